"""Where the network looked."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import counted, csrf_token, upload
from PIL import Image

from app import create_app
from app.recognition.prediction import BEST
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings


def pictures_in(page: str) -> list[str]:
    return re.findall(r'<img src="([^"]+)"[^>]*\salt="Heatmap for [^"]+: (?:mostly|all|nowhere)', page)


def work_done() -> tuple[float, float]:
    """Count the photos that were decoded so far, and the runs of the network."""
    runs = counted("site_predictions_total", engine="openvino", model=DEFAULT_MODEL, outcome="ok")
    return counted("site_decode_seconds_count"), runs


def test_where_it_looked_is_shown_in_pictures_and_in_words(client: FlaskClient, coffee: bytes) -> None:
    location = upload(client, coffee).location
    assert f'href="{location}/heatmaps"' in client.get(location).text
    pictures = pictures_in(client.get(f"{location}/heatmaps").text)
    assert pictures == [f"{location}/heatmaps.jpg"] * 4
    sheet = Image.open(io.BytesIO(client.get(pictures[0]).data))
    assert sheet.size == (320, 320 * BEST)
    squares = {sheet.crop((0, 320 * rank, 320, 320 * (rank + 1))).tobytes() for rank in range(BEST)}
    assert len(squares) == BEST


def test_one_click_costs_one_run_of_the_network_and_one_decode(client: FlaskClient, coffee: bytes) -> None:
    location = upload(client, coffee).location
    decodes, runs = work_done()
    requests = {f"{location}/heatmaps", *pictures_in(client.get(f"{location}/heatmaps").text)}
    for picture in requests - {f"{location}/heatmaps"}:
        assert client.get(picture).status_code == 200
    assert work_done() == (decodes + 1, runs + 1)
    assert len(requests) == 2  # which count for RATE_LIMIT


def test_a_process_that_has_not_rendered_the_page_draws_the_same_picture(
    client: FlaskClient, settings: Settings, service: ModelService, coffee: bytes
) -> None:
    location = upload(client, coffee).location
    client.get(f"{location}/heatmaps")
    drawn = client.get(f"{location}/heatmaps.jpg")
    other = create_app(settings)
    other.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    visitor = other.test_client()
    visitor._cookies = client._cookies
    again = visitor.get(f"{location}/heatmaps.jpg")
    assert (again.data, again.headers["ETag"]) == (drawn.data, drawn.headers["ETag"])


def test_heatmaps_are_cached_by_their_owner_alone_and_are_gone_with_the_answer(
    client: FlaskClient, coffee: bytes
) -> None:
    location = upload(client, coffee).location
    picture = client.get(f"{location}/heatmaps.jpg")
    assert (picture.cache_control.private, picture.cache_control.no_cache) == (True, True)
    client.post(f"{location}/delete", data={"csrf_token": csrf_token(client)})
    assert client.get(f"{location}/heatmaps.jpg").status_code == 404


def test_a_second_browser_sees_no_heatmap_of_the_first(app: Flask, coffee: bytes) -> None:
    first, second = app.test_client(), app.test_client()
    location = upload(first, coffee).location
    for name in ("heatmaps", "heatmaps.jpg"):
        assert first.get(f"{location}/{name}").status_code == 200
        assert second.get(f"{location}/{name}").status_code == 404


@pytest.mark.parametrize("name", ["heatmaps", "heatmaps.jpg"])
def test_an_answer_of_a_network_that_is_gone_has_no_heatmap(
    app: Flask, client: FlaskClient, coffee: bytes, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    location = upload(client, coffee).location
    models = app.extensions["site"].models
    monkeypatch.setattr(models, "default", "another")
    monkeypatch.setattr(models, "offers", ())
    answer = client.get(f"{location}/{name}")
    assert answer.status_code == 404
    assert "no longer on this site" in answer.text
