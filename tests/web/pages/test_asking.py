"""Run the app: upload, choose a network, see the history."""

import html
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import count_rows, csrf_token, session_records, upload
from hostile_photos import heic

from app import create_app
from app.errors import HistoryUnavailable, TooManyAtOnce
from app.recognition.bundle import MANIFEST, write_manifest
from app.recognition.heif import HEIC_SENTENCE
from app.recognition.limits import MAX_AT_ONCE, MAX_BYTES, MAX_PHOTOS
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings
from app.sources.address import complete
from app.sources.fetch import MAX_URL
from app.web.examples import EXAMPLES


def test_a_photo_of_a_phone_is_answered(client: FlaskClient) -> None:
    assert "image/heic" in client.get("/classify/").text
    assert upload(client, heic()).status_code == 303


def test_where_heic_is_turned_off_a_photo_of_a_phone_is_refused_with_what_to_do(
    settings: Settings, service: ModelService
) -> None:
    app = create_app(replace(settings, heic=False))
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    client = app.test_client()
    page = client.get("/classify/").text
    assert "image/heic" not in page
    assert "WebP, GIF or AVIF" in page
    answer = upload(client, heic())
    assert answer.status_code == 415
    assert HEIC_SENTENCE in html.unescape(answer.text)


def test_an_upload_is_answered_by_a_redirect_to_its_answer(client: FlaskClient, coffee: bytes) -> None:
    answer = upload(client, coffee)
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert page.status_code == 200
    assert page.text.split('id="waiting"')[0].count("<progress") == 4


def test_the_history_shows_every_photo_newest_first(client: FlaskClient, coffee: bytes) -> None:
    locations = [upload(client, coffee).location for _ in range(3)]
    links = re.findall(r'src="(/classify/[^"]+)/photo"', client.get("/classify/").text)
    assert links == locations[::-1]


def test_a_long_history_comes_in_pages(client: FlaskClient, coffee: bytes) -> None:
    for _ in range(26):
        upload(client, coffee)
    assert count_rows(client) == 25
    assert count_rows(client, "/classify/history?page=2") == 1


def test_a_page_beyond_the_last_is_the_last(client: FlaskClient, coffee: bytes) -> None:
    upload(client, coffee)
    assert count_rows(client, f"/classify/history?page={10**30}") == 1


def test_without_the_web_the_random_button_says_so_and_offers_an_upload(client: FlaskClient) -> None:
    answer = client.post("/classify/random", data={"csrf_token": csrf_token(client)})
    assert answer.status_code == 503
    assert "You can still upload one of your own" in answer.get_data(as_text=True)


def test_a_form_from_a_foreign_origin_stores_nothing(client: FlaskClient, coffee: bytes) -> None:
    for token in ("", "forged"):
        form = {"csrf_token": token, "image": (io.BytesIO(coffee), "photo.jpg")}
        answer = client.post("/classify/", data=form, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
    assert count_rows(client) == 0


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


@pytest.fixture
def second_network(settings: Settings, tmp_path: Path) -> Settings:
    """Offer a copy of the shipped network under another name beside it."""
    weights = tmp_path / "weights"
    for model in (DEFAULT_MODEL, "copy"):
        shutil.copytree(settings.weights / DEFAULT_MODEL, weights / model)
    manifest = json.loads((weights / "copy" / MANIFEST).read_text())
    write_manifest(weights / "copy", manifest | {"model": "copy", "metrics": {"top1": 0.5}})
    return replace(settings, weights=weights)


def visit(settings: Settings) -> FlaskClient:
    """Make a visitor of a site whose networks are loaded, which may take longer than a visitor waits."""
    app = create_app(settings)
    models = app.extensions["site"].models
    for name in models.names:
        models.service(name).wait()
    return app.test_client()


def test_a_network_is_offered_with_its_figure_for_shops_never_seen(second_network: Settings) -> None:
    manifest = json.loads((second_network.weights / DEFAULT_MODEL / MANIFEST).read_text())
    write_manifest(
        second_network.weights / DEFAULT_MODEL,
        manifest | {"metrics": {"top1": 0.9, "elsewhere_top1": 0.4}},
    )
    page = create_app(second_network).test_client().get("/classify/").text
    assert ": 40.0 % right on photos from other shops" in page
    assert "90.0 %" not in page


def test_another_network_answers_when_it_is_chosen_and_is_remembered(
    second_network: Settings, coffee: bytes
) -> None:
    client = visit(second_network)
    assert "copy: 50.0 % right" in client.get("/classify/").text
    form = {"csrf_token": csrf_token(client), "model": "copy", "image": (io.BytesIO(coffee), "a.jpg")}
    page = client.get(client.post("/classify/", data=form).location).text
    assert "<dt>Network</dt><dd>copy</dd>" in page
    assert '<option value="copy" selected>' in page
    page = client.get(upload(client, coffee).location).text
    assert "<dt>Network</dt><dd>copy</dd>" in page


def test_the_api_answers_with_the_network_that_is_asked_for(second_network: Settings, coffee: bytes) -> None:
    client = visit(second_network)
    form = {"model": "copy", "image": (io.BytesIO(coffee), "a.jpg")}
    assert client.post("/api/v1/predictions", data=form).get_json()["model"] == "copy"


def test_a_remembered_network_that_is_gone_gives_way_to_the_default(
    second_network: Settings, coffee: bytes
) -> None:
    client = visit(second_network)
    form = {"csrf_token": csrf_token(client), "model": "copy", "image": (io.BytesIO(coffee), "a.jpg")}
    client.post("/classify/", data=form)
    shutil.rmtree(second_network.weights / "copy")
    later = visit(second_network)
    later._cookies = client._cookies
    assert "<dt>Network</dt><dd>Inception V3</dd>" in later.get(upload(later, coffee).location).text


def test_the_script_and_the_fields_are_told_the_limits_of_the_server(client: FlaskClient) -> None:
    page = client.get("/classify/").text
    assert (
        f'data-max-at-once="{MAX_AT_ONCE}" data-max-photos="{MAX_PHOTOS}" data-max-bytes="{MAX_BYTES}"'
        in page
    )
    assert f'data-too-many="{TooManyAtOnce.sentence}"' in page
    assert f'maxlength="{MAX_URL}"' in page


def test_a_choice_that_is_new_is_remembered_with_whatever_form_and_no_other_is_stored(
    client: FlaskClient, settings: Settings
) -> None:
    for product, stored in (("each", 0), ("one", 1)):
        form = {"csrf_token": csrf_token(client), "model": DEFAULT_MODEL, "product": product}
        assert client.post("/classify/random", data=form).status_code == 503
        assert len(session_records(settings)) == stored
    assert 'value="one" checked' in client.get("/classify/").text


def test_an_unknown_network_is_refused_with_a_sentence(client: FlaskClient, coffee: bytes) -> None:
    form = {"csrf_token": csrf_token(client), "model": "none", "image": (io.BytesIO(coffee), "a.jpg")}
    answer = client.post("/classify/", data=form)
    assert answer.status_code == 400
    assert "There is no network" in answer.text
    assert count_rows(client) == 0


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


@pytest.mark.parametrize(("name", "headline"), [
    ("coffee", "Mug / cup"), ("lamp", "Table lamp"), ("chair", "Chair"),
    ("balls", "Billiard balls"), ("mug", "Mug / cup"),
    ("cat", "Probably none of the categories that the network knows"),
])  # fmt: skip
def test_an_example_is_answered_with_what_it_shows(client: FlaskClient, name: str, headline: str) -> None:
    answer = client.post(f"/classify/example/{name}", data={"csrf_token": csrf_token(client)})
    assert answer.status_code == 303
    assert f">{headline}</h1>" in client.get(answer.location).text


def test_every_example_is_offered_on_the_home_page_and_beside_the_form(client: FlaskClient) -> None:
    for page in (client.get("/").text, client.get("/classify/").text):
        shown = re.findall(r'src="(/static/examples/[^"]+)"', page)
        assert len(shown) == len(EXAMPLES)
        assert all(client.get(path).status_code == 200 for path in shown)


def test_an_example_that_is_not_there_is_not_found(client: FlaskClient) -> None:
    assert client.post("/classify/example/x", data={"csrf_token": csrf_token(client)}).status_code == 404


def test_the_name_of_a_file_stays_with_its_row_and_is_escaped(client: FlaskClient, coffee: bytes) -> None:
    location = upload(client, coffee, names=["<b>cup\u202e.jpg"]).location
    assert "&lt;b&gt;cup.jpg" in client.get(location).text
    assert "&lt;b&gt;cup.jpg" in client.get("/classify/history?text=cup.jpg").text
    [line] = client.get("/classify/history/export/jsonl").text.splitlines()
    assert json.loads(line)["file_name"] == "<b>cup.jpg"


def test_an_address_may_be_typed_without_https() -> None:
    assert complete("www.shop.example/cup.jpg") == "https://www.shop.example/cup.jpg"
    for url in ("https://shop.example/cup.jpg", "http://shop.example/a", "file:///etc/passwd", "cup", ""):
        assert complete(url) == url
