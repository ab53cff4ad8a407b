"""Where the network looked."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token, upload
from PIL import Image


def test_where_it_looked_is_shown_in_pictures_and_in_words(client: FlaskClient, coffee: bytes) -> None:
    location = upload(client, coffee).location
    assert f'href="{location}/heatmaps"' in client.get(location).text
    page = client.get(f"{location}/heatmaps").text
    pictures = re.findall(r'<img src="([^"]+)"[^>]*\salt="Heatmap for [^"]+: (?:mostly|all|nowhere)', page)
    assert pictures == [f"{location}/heatmaps/{rank}.jpg" for rank in (1, 2, 3, 4)]
    drawn = {client.get(picture).data for picture in pictures}
    assert len(drawn) == 4
    for picture in drawn:
        assert Image.open(io.BytesIO(picture)).size == (320, 213)


def test_a_heatmap_is_cached_only_by_its_owner_and_goes_with_the_answer(
    client: FlaskClient, coffee: bytes
) -> None:
    location = upload(client, coffee).location
    picture = client.get(f"{location}/heatmaps/1.jpg")
    assert (picture.cache_control.private, picture.cache_control.no_cache) == (True, True)
    client.post(f"{location}/delete", data={"csrf_token": csrf_token(client)})
    assert client.get(f"{location}/heatmaps/1.jpg").status_code == 404


@pytest.mark.parametrize("name", ["heatmaps", "heatmaps/1.jpg"])
def test_a_second_browser_sees_no_heatmap_of_the_first(app: Flask, coffee: bytes, name: str) -> None:
    first, second = app.test_client(), app.test_client()
    location = upload(first, coffee).location
    assert first.get(f"{location}/{name}").status_code == 200
    assert second.get(f"{location}/{name}").status_code == 404


@pytest.mark.parametrize("rank", [0, 5])
def test_there_is_no_heatmap_beyond_the_four(client: FlaskClient, coffee: bytes, rank: int) -> None:
    assert client.get(f"{upload(client, coffee).location}/heatmaps/{rank}.jpg").status_code == 404


def test_an_answer_of_a_network_that_is_gone_has_no_heatmap(
    app: Flask, client: FlaskClient, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = upload(client, coffee).location
    models = app.extensions["site"].models
    monkeypatch.setattr(models, "default", "another")
    monkeypatch.setattr(models, "offers", ())
    answer = client.get(f"{location}/heatmaps")
    assert answer.status_code == 404
    assert "no longer on this site" in answer.text
