"""The home page tells the truth about the network."""

from dataclasses import replace
from pathlib import Path

from flask.testing import FlaskClient

from app import create_app
from app.recognition.service import ModelService
from app.settings import Settings


def test_the_page_says_what_the_network_knows_and_how_often_it_is_right(
    client: FlaskClient, service: ModelService
) -> None:
    known = len(service.require_ready().taxonomy)
    page = client.get("/").text
    assert f"It knows {known} categories" in page
    metrics = service.require_ready().manifest["metrics"]
    assert f"{metrics['photos']:,} photos" in page
    assert f"{metrics['top1'] * 100:.1f} %" in page
    assert f"{metrics['top4'] * 100:.1f} %" in page
    assert f"trained on {known} of the 5,270 categories" in page


def test_the_figure_for_shops_never_seen_comes_first(client: FlaskClient, service: ModelService) -> None:
    metrics = service.require_ready().manifest["metrics"]
    page = client.get("/").text
    shops, own = (page.index(f"{metrics[name] * 100:.1f} %") for name in ("elsewhere_top1", "top1"))
    assert shops < own


def test_the_page_does_without_figures_when_there_is_no_network(settings: Settings, tmp_path: Path) -> None:
    app = create_app(replace(settings, weights=tmp_path))
    response = app.test_client().get("/")
    assert response.status_code == 200
    assert "The site cannot read its network right now" in response.text
