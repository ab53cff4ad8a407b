"""The home page tells the truth about the network."""

from flask.testing import FlaskClient

from app.recognition.service import ModelService


def test_the_page_says_how_many_categories_the_network_knows(
    client: FlaskClient, service: ModelService
) -> None:
    known = len(service.bundle.taxonomy)
    page = client.get("/").text
    assert f"It knows {known} categories" in page
    assert f"trained on {known} of the 5,270 categories" in page
