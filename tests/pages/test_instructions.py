"""The home page tells the truth about the network."""

from flask.testing import FlaskClient

from app.recognition.service import ModelService


def test_the_page_says_what_the_network_knows_and_how_often_it_is_right(
    client: FlaskClient, service: ModelService
) -> None:
    known = len(service.bundle.taxonomy)
    page = client.get("/").text
    assert f"It knows {known} categories" in page
    metrics = service.bundle.manifest["metrics"]
    assert f"{metrics['photos']:,} photos" in page
    assert f"{metrics['top1'] * 100:.1f} %" in page
    assert f"{metrics['top4'] * 100:.1f} %" in page
    assert f"trained on {known} of the 5,270 categories" in page
