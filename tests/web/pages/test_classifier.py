"""Run the app: upload, answer, history."""

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token
from made_up import entry_of
from PIL import Image
from werkzeug.test import TestResponse

from app import create_app
from app.errors import HistoryUnavailable
from app.recognition.bundle import MANIFEST, write_manifest
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings


def upload(client: FlaskClient, photo: bytes, name: str = "photo.jpg") -> TestResponse:
    form = {"csrf_token": csrf_token(client), "image": (io.BytesIO(photo), name)}
    return client.post("/classify/", data=form)


def photo_links(page: str) -> list[str]:
    return re.findall(r'src="(/classify/[^"]+/photo)"', page)


def rows(client: FlaskClient) -> int:
    return len(set(photo_links(client.get("/classify/").get_data(as_text=True))))


def test_an_upload_is_answered_by_a_redirect_to_its_answer(client: FlaskClient, coffee: bytes) -> None:
    answer = upload(client, coffee)
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert page.status_code == 200
    assert page.text.split('id="waiting"')[0].count("<progress") == 4


def test_reloading_the_answer_does_not_predict_again(
    client: FlaskClient, service: ModelService, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = upload(client, coffee)
    monkeypatch.setattr(service, "predict", None)
    for _ in range(3):
        assert client.get(answer.location).status_code == 200
    assert rows(client) == 1


def test_the_history_shows_every_photo_newest_first(client: FlaskClient, coffee: bytes) -> None:
    locations = [upload(client, coffee).location for _ in range(3)]
    links = list(dict.fromkeys(photo_links(client.get("/classify/").get_data(as_text=True))))
    assert links == [f"{location}/photo" for location in reversed(locations)]


def test_a_second_browser_sees_nothing_of_the_first(app: Flask, coffee: bytes) -> None:
    first, second = app.test_client(), app.test_client()
    location = upload(first, coffee).location
    assert rows(second) == 0
    assert second.get(location).status_code == 404
    assert second.get(f"{location}/photo").status_code == 404


def test_a_row_can_be_deleted(client: FlaskClient, coffee: bytes) -> None:
    kept, deleted = (upload(client, coffee).location for _ in range(2))
    answer = client.post(f"{deleted}/delete", data={"csrf_token": csrf_token(client)})
    assert answer.status_code == 303
    assert client.get(deleted).status_code == 404
    assert client.get(kept).status_code == 200


def test_the_history_can_be_cleared(client: FlaskClient, coffee: bytes) -> None:
    upload(client, coffee)
    client.post("/classify/clear", data={"csrf_token": csrf_token(client)})
    assert rows(client) == 0


def test_a_long_history_comes_in_pages(client: FlaskClient, coffee: bytes) -> None:
    for _ in range(26):
        upload(client, coffee)
    assert rows(client) == 25
    assert len(set(photo_links(client.get("/classify/?page=2").get_data(as_text=True)))) == 1


def test_a_page_beyond_the_last_is_the_last(client: FlaskClient, coffee: bytes) -> None:
    upload(client, coffee)
    page = client.get(f"/classify/?page={10**30}")
    assert page.status_code == 200
    assert photo_links(page.get_data(as_text=True))


def test_the_shown_photo_is_a_fresh_jpeg_that_only_its_owner_may_cache(
    client: FlaskClient, coffee: bytes
) -> None:
    photo = client.get(f"{upload(client, coffee).location}/photo")
    assert photo.mimetype == "image/jpeg"
    assert photo.headers["X-Content-Type-Options"] == "nosniff"
    assert photo.cache_control.private
    assert max(Image.open(io.BytesIO(photo.data)).size) == 320


def test_the_browser_asks_again_before_it_shows_a_photo_it_kept(client: FlaskClient, coffee: bytes) -> None:
    path = f"{upload(client, coffee).location}/photo"
    photo = client.get(path)
    assert photo.cache_control.no_cache
    known = {"If-None-Match": photo.headers["ETag"]}
    again = client.get(path, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    client.post("/classify/clear", data={"csrf_token": csrf_token(client)})
    assert client.get(path, headers=known).status_code == 404


def test_without_the_web_the_random_button_says_so_and_offers_an_upload(client: FlaskClient) -> None:
    answer = client.post("/classify/random", data={"csrf_token": csrf_token(client)})
    assert answer.status_code == 503
    assert "You can still upload one of your own" in answer.get_data(as_text=True)


def test_a_form_from_a_foreign_origin_stores_nothing(client: FlaskClient, coffee: bytes) -> None:
    for token in ("", "forged"):
        form = {"csrf_token": token, "image": (io.BytesIO(coffee), "photo.jpg")}
        answer = client.post("/classify/", data=form, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
    assert rows(client) == 0


@pytest.mark.parametrize("path", ["/", "/source/", "/livez", "/readyz"])
def test_pages_that_need_no_session_send_no_cookie(client: FlaskClient, coffee: bytes, path: str) -> None:
    assert "Set-Cookie" not in client.get(path).headers
    upload(client, coffee)
    assert "Set-Cookie" not in client.get(path).headers


def test_an_unreachable_history_still_gives_the_answer_and_says_that_it_was_not_kept(
    app: Flask, coffee: bytes, dead_redis_url: str
) -> None:
    from app.history.redis import RedisHistory

    app.extensions["site"].history = RedisHistory(dead_redis_url)
    answer = upload(app.test_client(), coffee)
    assert answer.status_code == 200
    assert "not kept" in answer.get_data(as_text=True)


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


def test_a_heatmap_is_cached_by_its_owner_alone_and_is_gone_with_the_answer(
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


@pytest.fixture
def second_network(settings: Settings, tmp_path: Path) -> Settings:
    """Offer a copy of the shipped network under another name beside it."""
    weights = tmp_path / "weights"
    for model in (DEFAULT_MODEL, "copy"):
        shutil.copytree(settings.weights / DEFAULT_MODEL, weights / model)
    manifest = json.loads((weights / "copy" / MANIFEST).read_text())
    write_manifest(weights / "copy", manifest | {"model": "copy", "metrics": {"top1": 0.5}})
    return replace(settings, weights=weights)


def test_another_network_answers_when_it_is_chosen_and_is_remembered(
    second_network: Settings, coffee: bytes
) -> None:
    client = create_app(second_network).test_client()
    assert "copy: 50.0 % right" in client.get("/classify/").text
    form = {"csrf_token": csrf_token(client), "model": "copy", "image": (io.BytesIO(coffee), "a.jpg")}
    page = client.get(client.post("/classify/", data=form).location).text
    assert "<dt>Network</dt><dd>copy</dd>" in page
    assert '<option value="copy" selected>' in page
    page = client.get(upload(client, coffee).location).text
    assert "<dt>Network</dt><dd>copy</dd>" in page


def test_the_api_answers_with_the_network_that_is_asked_for(second_network: Settings, coffee: bytes) -> None:
    client = create_app(second_network).test_client()
    form = {"model": "copy", "image": (io.BytesIO(coffee), "a.jpg")}
    assert client.post("/api/v1/predictions", data=form).get_json()["model"] == "copy"


def test_a_remembered_network_that_is_gone_gives_way_to_the_default(
    second_network: Settings, coffee: bytes
) -> None:
    client = create_app(second_network).test_client()
    form = {"csrf_token": csrf_token(client), "model": "copy", "image": (io.BytesIO(coffee), "a.jpg")}
    client.post("/classify/", data=form)
    shutil.rmtree(second_network.weights / "copy")
    app = create_app(second_network)
    later = app.test_client()
    later._cookies = client._cookies
    assert "<dt>Network</dt><dd>Inception V3</dd>" in later.get(upload(later, coffee).location).text


def test_an_unknown_network_is_refused_with_a_sentence(client: FlaskClient, coffee: bytes) -> None:
    form = {"csrf_token": csrf_token(client), "model": "none", "image": (io.BytesIO(coffee), "a.jpg")}
    answer = client.post("/classify/", data=form)
    assert answer.status_code == 400
    assert "There is no network" in answer.text
    assert rows(client) == 0


def show(app: Flask, verdict: str, trusted: int) -> str:
    """Give the page of an answer with this verdict, of whose path the first nodes are trusted."""
    client = app.test_client()
    client.get("/classify/")
    guess = {"name": "Ball", "name_fr": "Balle", "path": ["SPORT", "FITNESS", "BALLON"], "probability": 0.4}
    nodes = [
        {"level": level, "name": name, "probability": 1 - level / 5, "trusted": level <= trusted}
        for level, name in enumerate(guess["path"], start=1)
    ]
    entry = entry_of([guess], verdict=verdict, roll_up=nodes)
    with client.session_transaction(path="/classify/") as session:
        owner = session.setdefault("history", "of-the-test")
    app.extensions["site"].history.add(owner, entry, b"jpeg")
    return client.get(f"/classify/{entry.id}").text


@pytest.mark.parametrize(("verdict", "trusted", "words"), [
    ("sure", 3, "<strong>Sure</strong>"),
    ("unsure", 2, "<strong>Not sure: best read as SPORT &gt; FITNESS</strong>"),
    ("unsure", 0, "<strong>Not sure</strong>"),
    ("not_a_product", 1, "<strong>Not sure that this is a product</strong>"),
])  # fmt: skip
def test_the_page_says_in_words_how_sure_the_answer_is(
    app: Flask, verdict: str, trusted: int, words: str
) -> None:
    page = show(app, verdict, trusted)
    assert words in page
    assert page.count("(unsure)") == 3 - trusted
    assert re.findall(r'<span class="percent">(\d+ %)</span>', page)[1:4] == ["80 %", "60 %", "40 %"]


def test_an_answer_that_the_history_does_not_take_says_that_it_was_not_kept(
    app: Flask, client: FlaskClient, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise HistoryUnavailable

    token = csrf_token(client)
    monkeypatch.setattr(app.extensions["site"].history, "add", refuse)
    data = {"csrf_token": token, "image": (io.BytesIO(coffee), "coffee.jpg")}
    page = client.post("/classify/", data=data)
    assert page.status_code == 200
    assert "was not kept" in page.text
    assert "heatmaps" not in page.text
