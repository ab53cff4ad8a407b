"""Random photos and photos by address: rows 17, 19 and 20 of the hostile inputs, through the site."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token, jpeg, listen_everywhere
from local_sources import SEARCH, Answer, LocalOpenProductsFacts, LocalServer, draw_picture, json_answer
from PIL import Image
from werkzeug.test import TestResponse

from app import create_app
from app.errors import (
    AddressesOff,
    HistoryUnavailable,
    Overloaded,
    SourceUnavailable,
    UrlNotAllowed,
    UrlUnavailable,
)
from app.recognition import photos
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings
from app.sources.fetch import MAX_FETCHES, Deadline, Fetcher

Make = Callable[..., Flask]


@pytest.fixture
def make_app(settings: Settings, service: ModelService) -> Make:
    """Build the site with other settings."""

    def make(**others: object) -> Flask:
        app = create_app(replace(settings, **others))
        app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
        return app

    return make


@pytest.fixture
def source() -> Iterator[LocalOpenProductsFacts]:
    with LocalOpenProductsFacts() as source:
        yield source


@pytest.fixture
def web(app: Flask) -> Iterator[LocalServer]:
    """A server whose photos this site fetches by their address, as if it stood on the public web."""
    with LocalServer() as server:
        app.extensions["site"].address_fetcher = Fetcher("contact", trusted=server.url)
        yield server


def press_random(client: FlaskClient) -> TestResponse:
    return client.post("/classify/random", data={"csrf_token": csrf_token(client)})


def ask(client: FlaskClient, url: str) -> TestResponse:
    return client.post("/classify/address", data={"csrf_token": csrf_token(client), "url": url})


def ask_api(client: FlaskClient, *urls: str) -> TestResponse:
    return client.post("/api/v1/predictions", data={"url": list(urls)})


def test_a_random_photo_is_answered_with_its_credit_licence_and_links(
    make_app: Make, source: LocalOpenProductsFacts
) -> None:
    client = make_app(open_products_facts_url=source.url).test_client()
    page = client.get(press_random(client).location).text
    assert "Open Products Facts contributors" in page
    assert '<a href="https://creativecommons.org/licenses/by-sa/3.0/"' in page
    assert f'<a href="{source.url}/product/376' in page


def test_without_any_network_the_button_works_from_a_folder(make_app: Make, tmp_path: Path) -> None:
    (tmp_path / "blue lamp.jpg").write_bytes(draw_picture())
    client = make_app(photo_sources=("open-products-facts", "folder"), photo_folder=tmp_path).test_client()
    page = client.get(press_random(client).location).text
    assert "blue lamp" in page
    assert "This site&#39;s own photos" in page


def test_a_visitor_sees_no_photo_twice_while_there_are_others(make_app: Make, tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"lamp {number}.jpg").write_bytes(draw_picture(number))
    own = {"photo_sources": ("folder",), "photo_folder": tmp_path}
    processes = [make_app(**own).test_client() for _ in range(2)]  # each with a stock of its own
    processes[1]._cookies = processes[0]._cookies
    for number in range(12):
        press_random(processes[number // 6])
    page = processes[1].get("/classify/history").text
    assert len(set(re.findall("lamp [0-9]+", page))) == 12


def test_a_random_photo_is_decoded_once(
    make_app: Make, source: LocalOpenProductsFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_app(open_products_facts_url=source.url).test_client()
    decoded: list[object] = []
    decode = photos._decode_jpeg
    monkeypatch.setattr(photos, "_decode_jpeg", lambda *args: decoded.append(args) or decode(*args))
    assert press_random(client).status_code == 303
    assert len(decoded) == 1


def test_a_random_photo_is_not_taken_from_the_stock_for_a_network_that_is_not_there(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    app.extensions["site"].random_photos = mock.Mock()
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = ModelService(tmp_path)
    assert "could not be loaded" in press_random(client).text
    assert not app.extensions["site"].random_photos.find.called


def test_undo_beside_a_random_photo_that_was_not_kept_leads_to_a_page(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lamp.jpg").write_bytes(draw_picture())
    app = make_app(photo_sources=("folder",), photo_folder=tmp_path)
    client = app.test_client()
    form = {"csrf_token": csrf_token(client)}
    client.post(f"{press_random(client).location}/delete", data=form)
    monkeypatch.setattr(app.extensions["site"].history, "add", mock.Mock(side_effect=HistoryUnavailable))
    sent = {"Referer": "http://localhost/classify/?page=2"}
    page = client.post("/classify/random", data=form, headers=sent).text
    assert "was not kept" in page
    fields = dict(re.findall(r'name="(back|discarded)" value="([^"]+)"', page))
    back = client.post("/classify/history/undo", data=form | fields).location
    assert back == "/classify/?page=2#recent"
    assert client.get(back).status_code == 200


def test_row_19_when_every_source_fails_the_visitor_reads_a_sentence_and_the_history_is_unchanged(
    make_app: Make, source: LocalOpenProductsFacts
) -> None:
    client = make_app(open_products_facts_url=source.url).test_client()
    source.answers[SEARCH] = Answer(503)
    answer = press_random(client)
    assert answer.status_code == 503
    assert SourceUnavailable.sentence in answer.text
    assert "Nothing here yet" in client.get("/classify/history").text


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('"><img src=x onerror=alert(1)>', "&#34;&gt;&lt;img src=x onerror=alert(1)&gt;"),
        ("Lamp\u202egpj", "Lampgpj"),
        ("Long " * 190_000, "Long " * 39 + "Long</a>"),
    ],
    ids=["html", "attribute", "bidi", "long"],
)
def test_row_20_a_title_is_escaped_and_cut(
    make_app: Make, source: LocalOpenProductsFacts, title: str, shown: str
) -> None:
    source.answers[SEARCH] = json_answer({"products": [source.products[0] | {"product_name": title}]})
    client = make_app(open_products_facts_url=source.url).test_client()
    page = client.get(press_random(client).location).text
    assert shown in page
    assert title not in page


def test_a_photo_by_its_address_is_answered_with_its_name_and_a_link(
    client: FlaskClient, web: LocalServer, coffee: bytes
) -> None:
    web.answers["/a/red%20cup.jpg"] = Answer(200, "image/jpeg", coffee)
    answer = ask(client, f"  {web.url}/a/red%20cup.jpg?size=1 ")
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert f'<a href="{web.url}/a/red%20cup.jpg?size=1" rel="noopener noreferrer">red cup.jpg</a>' in page
    assert "Web address · 127.0.0.1" in page


def test_row_20_the_name_in_an_address_is_escaped(
    client: FlaskClient, web: LocalServer, coffee: bytes
) -> None:
    web.answers["/%3Cscript%3E.jpg"] = Answer(200, "image/jpeg", coffee)
    page = client.get(ask(client, f"{web.url}/%3Cscript%3E.jpg").location).text
    assert "&lt;script&gt;.jpg" in page


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(404), 422),
        (Answer(200, "text/html", b"<p>Hello"), 415),
        (Answer(200, "image/jpeg", b"<p>Hello" * 99), 415),
        (Answer(200, "image/jpeg", draw_picture()[:2000]), 422),
        (Answer(200, "image/jpeg", b""), 400),
        (Answer(200, "image/jpeg", b"\xff\xd8\xff" + bytes(11_000_000)), 413),
        (Answer(302, headers={"Location": "https://127.0.0.1/"}), 400),
        (Answer(302, headers={"Location": "/a.jpg"}), 422),
    ],
    ids=["404", "html", "html called a picture", "half", "empty", "11 MB", "inward", "loop"],
)
def test_an_address_without_a_usable_photo_is_answered_with_what_is_wrong(
    client: FlaskClient, web: LocalServer, answer: Answer, status: int
) -> None:
    web.answers["/a.jpg"] = answer
    page = ask(client, f"{web.url}/a.jpg")
    assert page.status_code == status
    assert ask_api(client, f"{web.url}/a.jpg").status_code == status
    assert "Nothing here yet" in client.get("/classify/history").text


def test_while_others_fetch_the_visitor_is_refused_at_once_and_told_to_wait(
    client: FlaskClient, app: Flask, web: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("app.web.pages.asking", "app.web.api.predictions"):
        monkeypatch.setattr(f"{module}.Deadline", partial(Deadline, math.inf))  # for which nothing can wait
    for _ in range(MAX_FETCHES):
        app.extensions["site"].address_fetcher._slots.acquire()
    for answer in (ask(client, f"{web.url}/a.jpg"), ask_api(client, f"{web.url}/a.jpg")):
        assert answer.status_code == 503
        assert Overloaded.sentence in answer.text
        assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("url", [
    "https://127.0.0.1:{}/",
    "http://127.0.0.1:{}/",
    "https://[::1]:{}/",
    "https://[::ffff:127.0.0.1]:{}/",
    "https://[64:ff9b::7f00:1]:{}/",
    "https://[2002:7f00:1::]:{}/",
    "https://0x7f.1:{}/",
    "https://169.254.169.254:{}/",
    "https://100.64.0.1:{}/",
    "file:///etc/passwd?{}",
    "gopher://127.0.0.1:{}/",
    "https://user@127.0.0.1:{}/",
])  # fmt: skip
def test_row_17_an_address_that_is_not_allowed_is_refused_and_no_connection_is_made(
    client: FlaskClient, url: str
) -> None:
    with listen_everywhere() as listener:
        url = url.format(listener.getsockname()[1])
        page = ask(client, url)
        assert page.status_code == 400
        assert UrlNotAllowed.sentence in page.text
        answer = ask_api(client, url)
        assert answer.status_code == 400
        assert answer.get_json()["error"]["code"] == "url_not_allowed"
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert "Nothing here yet" in client.get("/classify/history").text


def test_row_18_a_name_of_this_machine_looks_like_one_that_does_not_exist(client: FlaskClient) -> None:
    with listen_everywhere() as listener:
        url = f"https://localhost:{listener.getsockname()[1]}/"
        for answer in (ask(client, url), ask_api(client, url)):
            assert answer.status_code == 422
            assert UrlUnavailable.sentence in answer.text
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_an_address_is_not_fetched_for_a_network_that_is_not_there(
    client: FlaskClient, app: Flask, web: LocalServer, tmp_path: Path
) -> None:
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = ModelService(tmp_path)
    assert "could not be loaded" in ask(client, f"{web.url}/a.jpg").text
    assert web.requests == []


def test_an_empty_address_is_refused(client: FlaskClient) -> None:
    assert ask(client, " ").status_code == 400
    assert ask_api(client, "").get_json()["error"]["code"] == "no_image"


def test_an_address_from_a_foreign_form_is_not_fetched(client: FlaskClient, web: LocalServer) -> None:
    csrf_token(client)
    answer = client.post("/classify/address", data={"url": f"{web.url}/a.jpg"})
    assert answer.status_code == 403
    assert web.requests == []


def test_more_addresses_than_a_request_may_give_are_refused_unasked(client: FlaskClient) -> None:
    answer = client.post("/api/v1/predictions", data={"url": ["https://photos.example/a.jpg"] * 9})
    assert answer.status_code == 413
    assert answer.get_json()["error"]["code"] == "too_many_photos"


def test_the_api_answers_photos_and_addresses_in_order(
    client: FlaskClient, web: LocalServer, coffee: bytes
) -> None:
    white = jpeg(Image.new("RGB", (300, 300), "white"))
    web.answers["/white.jpg"] = Answer(200, "image/jpeg", white)
    web.answers["/coffee.jpg"] = Answer(200, "image/jpeg", coffee)
    urls = [f"{web.url}/{name}.jpg" for name in ("white", "missing", "coffee")]
    first, second, third = ask_api(client, *urls).get_json()["results"]
    assert second["error"] == {"code": "url_unavailable", "message": UrlUnavailable.sentence}
    assert first["predictions"] != third["predictions"]
    assert first["error"] is third["error"] is None


def test_switched_off_photos_by_address_are_refused_and_not_offered(make_app: Make) -> None:
    client = make_app(photo_by_address=False).test_client()
    assert 'name="url"' not in client.get("/classify/").text
    assert "address" not in client.get("/").text
    page = ask(client, "https://photos.example/a.jpg")
    assert page.status_code == 403
    assert AddressesOff.sentence in page.text
    assert ask_api(client, "https://photos.example/a.jpg").get_json()["error"]["code"] == "addresses_off"


def test_switched_on_the_form_offers_photos_by_address(client: FlaskClient) -> None:
    assert 'name="url"' in client.get("/classify/").text
