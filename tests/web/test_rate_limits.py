"""What one visitor may ask in a time, and what all together at once."""

import io
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from unittest import mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import WAIT_SECONDS, cookie_name, counted, csrf_token, wait_until
from helpers import upload as upload_all
from hostile_photos import bilevel_png
from PIL import Image
from redis import Redis
from werkzeug.test import TestResponse

from app import create_app
from app.errors import Overloaded, UnreadablePhoto
from app.recognition import photos
from app.recognition.gate import MOST_TURNS, Gate
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings
from app.web import classifying
from app.web.error_pages import CLIENT_GONE_STATUS
from app.web.rate_limits import SWEEP_SECONDS, TOO_MUCH, Counts

API = "/api/v1/predictions"
CLASSIFIER = "/classify/"
JUNK = b"not a photo"  # refused by the decoder, which is not what these tests are about
UNLIMITED = [
    "/",
    "/source/",
    "/source/raw/wsgi.py",
    "/model/",
    "/static/base.css",
    "/livez",
    "/readyz",
    "/metrics",
]

MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def client_of(settings: Settings, service: ModelService) -> MakeClient:
    """Make a visitor of a site with other settings."""

    def make(**changes: object) -> FlaskClient:
        app = create_app(replace(settings, **changes))
        app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
        return app.test_client()

    return make


def ask(
    client: FlaskClient, photo: bytes = JUNK, address: str = "192.0.2.1", **options: object
) -> TestResponse:
    data = {"image": (io.BytesIO(photo), "a.jpg")}
    return client.post(API, data=data, environ_base={"REMOTE_ADDR": address}, **options)


def upload(client: FlaskClient, photo: bytes = JUNK) -> TestResponse:
    data = {"image": (io.BytesIO(photo), "a.jpg"), "csrf_token": csrf_token(client)}
    return client.post(CLASSIFIER, data=data)


# The rate


def test_counting_a_request_starts_no_thread(client_of: MakeClient) -> None:
    client = client_of()
    with mock.patch.object(threading.Thread, "start") as start:
        assert ask(client).status_code == 415
    start.assert_not_called()


def test_the_counts_of_visitors_whose_time_has_passed_are_dropped() -> None:
    counts = Counts()
    counts.incr("gone", 60)
    with mock.patch("time.time", return_value=time.time() + 61 + SWEEP_SECONDS):
        assert counts.incr("here", 60) == 1
        assert counts.incr("here", 60) == 2
    assert set(counts.storage) == {"here"}


def test_a_program_that_asks_too_often_learns_when_to_go_on(client_of: MakeClient) -> None:
    client = client_of(rate_limit="2 per minute")
    answers = [ask(client) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [415, 415, 429]
    assert answers[2].get_json()["error"]["code"] == "too_many_requests"
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 61


def test_a_person_who_asks_too_often_reads_a_sentence(client_of: MakeClient, coffee: bytes) -> None:
    client = client_of(rate_limit="1 per minute")
    assert upload(client, coffee).status_code == 303
    answer = upload(client, coffee)
    assert answer.status_code == 429
    assert f"Wait {answer.headers['Retry-After']} seconds" in answer.get_data(as_text=True)


def test_a_refusal_is_counted_and_stores_nothing(client_of: MakeClient, coffee: bytes) -> None:
    client = client_of(rate_limit="1 per minute")
    before = counted("site_refused_total", reason="rate_limit")
    upload(client, coffee)
    upload(client, coffee)
    assert counted("site_refused_total", reason="rate_limit") == before + 1
    assert '<span class="count">1</span>' in client.get(CLASSIFIER).get_data(as_text=True)


def test_the_page_and_the_api_draw_on_one_budget(client_of: MakeClient) -> None:
    client = client_of(rate_limit="1 per minute")
    assert upload(client).status_code == 415
    assert ask(client, address="127.0.0.1").status_code == 429


def test_each_visitor_has_a_budget_of_their_own(client_of: MakeClient) -> None:
    client = client_of(rate_limit="1 per minute")
    assert [ask(client, address=f"192.0.2.{host}").status_code for host in (1, 2, 1)] == [415, 415, 429]


def test_all_addresses_of_an_ipv6_subscriber_draw_on_one_budget(client_of: MakeClient) -> None:
    client = client_of(rate_limit="1 per minute")
    addresses = ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1")
    assert [ask(client, address=address).status_code for address in addresses] == [415, 429, 415]


def test_ipv4_visitors_at_a_socket_for_ipv6_have_budgets_of_their_own(client_of: MakeClient) -> None:
    client = client_of(rate_limit="1 per minute")
    addresses = ("::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1")
    assert [ask(client, address=address).status_code for address in addresses] == [415, 415, 429]


def test_a_new_session_brings_no_new_budget(client_of: MakeClient) -> None:
    client = client_of(rate_limit="1 per minute")
    assert upload(client).status_code == 415
    client.delete_cookie(cookie_name(client), path=CLASSIFIER)
    assert upload(client).status_code == 429


def test_what_a_client_says_of_its_address_is_not_believed(client_of: MakeClient) -> None:
    client = client_of(rate_limit="1 per minute")
    for expected, claimed in ((415, "198.51.100.1"), (429, "198.51.100.2")):
        assert ask(client, headers={"X-Forwarded-For": claimed}).status_code == expected


def test_behind_a_trusted_proxy_the_visitor_is_the_one_the_proxy_names(client_of: MakeClient) -> None:
    client = client_of(rate_limit="1 per minute", trusted_proxies=1)
    chains = ("made-up, 198.51.100.1", "198.51.100.2", "another, 198.51.100.1")
    answers = [ask(client, headers={"X-Forwarded-For": chain}).status_code for chain in chains]
    assert answers == [415, 415, 429]


@pytest.mark.parametrize("path", [CLASSIFIER, f"{CLASSIFIER}history", "/api/v1/categories?q=mug"])
def test_pages_have_a_limit_of_their_own(client_of: MakeClient, path: str) -> None:
    client = client_of(page_rate_limit="2 per minute")
    assert [client.get(path).status_code for _ in range(3)] == [200, 200, 429]
    assert ask(client).status_code == 415


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_exporting_too_often_is_refused_until_later(client_of: MakeClient, kind: str) -> None:
    client = client_of(rate_limit="1 per minute")
    path = f"{CLASSIFIER}history/export/{kind}"
    assert [client.get(path).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("path", UNLIMITED)
def test_health_static_and_cached_pages_are_not_limited(client_of: MakeClient, path: str) -> None:
    client = client_of(rate_limit="1 per minute", page_rate_limit="1 per minute")
    for _ in range(3):
        with client.get(path) as answer:
            assert answer.status_code == 200


def test_a_limit_can_be_off(client_of: MakeClient) -> None:
    client = client_of(rate_limit="off", page_rate_limit="off")
    assert {ask(client).status_code for _ in range(150)} == {415}


def test_two_processes_count_together_in_redis(client_of: MakeClient, redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.flushdb()
    first, second = (client_of(rate_limit="1 per minute", redis_url=redis_url) for _ in range(2))
    assert [ask(client).status_code for client in (first, second)] == [415, 429]


def test_while_the_store_is_down_nobody_is_refused_and_that_is_counted(
    client_of: MakeClient, dead_redis_url: str
) -> None:
    client = client_of(rate_limit="1 per minute", redis_url=dead_redis_url)
    before = counted("site_degraded_total", dependency="rate_limits")
    assert [ask(client).status_code for _ in range(3)] == [415] * 3
    assert counted("site_degraded_total", dependency="rate_limits") == before + 3


# The work


LARGE = bilevel_png(4000, 3000)  # 12 megapixels, three units


def ask_for(client: FlaskClient, *photos: bytes, **options: object) -> TestResponse:
    data = {"image": [(io.BytesIO(photo), "a.png") for photo in photos]}
    return client.post(API, data=data, **options)


def test_a_photo_costs_a_unit_for_every_five_megapixels_that_it_begins(client_of: MakeClient) -> None:
    client = client_of(rate_limit="4 per minute")
    assert [ask_for(client, photo).status_code for photo in (LARGE, JUNK, JUNK)] == [200, 415, 429]


def test_every_photo_of_a_request_counts(client_of: MakeClient) -> None:
    client = client_of(rate_limit="4 per minute")
    assert [ask_for(client, *[JUNK] * count).status_code for count in (3, 1, 1)] == [200, 415, 429]


@pytest.mark.parametrize("ask", [ask_for, upload_all], ids=["program", "person"])
def test_more_work_than_is_left_is_refused_before_a_photo_is_decoded(
    client_of: MakeClient, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., TestResponse]
) -> None:
    client = client_of(rate_limit="9 per minute")
    monkeypatch.setattr(classifying, "open_photo", mock.Mock(side_effect=UnreadablePhoto))
    assert ask(client, LARGE, LARGE).status_code in {200, 303}
    tries = classifying.open_photo.call_count
    answer = ask(client, LARGE, LARGE)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert classifying.open_photo.call_count == tries


def test_what_was_refused_as_too_much_costs_one_unit(client_of: MakeClient) -> None:
    client = client_of(rate_limit="4 per minute")
    assert [ask_for(client, *[JUNK] * count).status_code for count in (9, 3, 1)] == [429, 200, 429]


def test_more_than_a_visitor_may_ever_ask_for_is_told_as_such(client_of: MakeClient) -> None:
    client = client_of(rate_limit="5 per minute")
    assert TOO_MUCH in ask_for(client, LARGE, LARGE).get_json()["error"]["message"]


def test_a_picture_with_too_many_pixels_costs_no_more_than_any_that_is_refused(client_of: MakeClient) -> None:
    client = client_of(rate_limit="2 per minute")
    bomb = bilevel_png(6000, 6000)
    assert [ask_for(client, photo).status_code for photo in (bomb, bomb, bomb)] == [413, 413, 429]


def test_a_photo_by_address_is_charged_before_it_is_decoded(
    client_of: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(rate_limit="2 per minute")
    monkeypatch.setattr(classifying, "open_photo", mock.Mock(side_effect=UnreadablePhoto))
    fetcher = mock.Mock(get_photo=mock.Mock(return_value=LARGE))
    client.application.extensions["site"].address_fetcher = fetcher
    assert client.post(API, data={"url": "https://photos.example/a.png"}).status_code == 429
    assert fetcher.get_photo.called
    assert not classifying.open_photo.called


def test_for_a_client_that_has_gone_no_further_photo_is_decoded(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = mock.Mock(side_effect=UnreadablePhoto)
    monkeypatch.setattr(classifying, "open_photo", decode)
    gone = {classifying.CLIENT_GONE: lambda: decode.called}
    answer = ask_for(app.test_client(), *[LARGE] * 3, environ_overrides=gone)
    assert answer.status_code == CLIENT_GONE_STATUS
    assert decode.call_count == 1
    assert counted("site_queue_length") == 0


# The number at once


@pytest.mark.parametrize(("rate_limit", "status"), [("120 per minute", 503), ("off", 415)])
def test_one_visitor_leaves_places_for_others_where_visitors_are_told_apart(
    client_of: MakeClient, rate_limit: str, status: int
) -> None:
    client = client_of(rate_limit=rate_limit)
    gate = client.application.extensions["site"].gate = Gate(cores=2, places=8)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(7):
            pool.submit(gate.enter, "192.0.2.1").result()
    assert ask(client, address="192.0.2.1").status_code == status
    assert ask(client, address="192.0.2.2").status_code == 415


@pytest.fixture
def full(app: Flask) -> Flask:
    """Give a site all of whose places are taken."""
    app.extensions["site"].gate = Gate(cores=2, places=0)
    return app


@pytest.mark.parametrize("path", [API, CLASSIFIER, "/classify/random"])
def test_beyond_capacity_a_photo_is_refused_unread(full: Flask, path: str) -> None:
    body = mock.Mock(wraps=io.BytesIO(bytes(1000)))
    before = counted("site_refused_total", reason="overloaded")
    answer = full.test_client().post(
        path, input_stream=body, content_length=1000, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 503
    assert Overloaded.sentence in answer.get_data(as_text=True)
    assert int(answer.headers["Retry-After"]) > 0
    assert not body.read.called
    assert counted("site_refused_total", reason="overloaded") == before + 1


@pytest.mark.parametrize("path", [*UNLIMITED, CLASSIFIER])
def test_beyond_capacity_every_page_is_there(full: Flask, path: str) -> None:
    with full.test_client().get(path) as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize("photo", [b"", JUNK, None], ids=["no photo", "not a photo", "a photo"])
def test_a_place_is_free_again_whatever_came_of_the_photo(
    client: FlaskClient, app: Flask, coffee: bytes, photo: bytes | None
) -> None:
    app.extensions["site"].gate = Gate(cores=2, places=1)
    answers = {ask(client, coffee if photo is None else photo).status_code for _ in range(2)}
    assert len(answers) == 1
    assert 503 not in answers
    assert counted("site_queue_length") == 0


def test_no_more_photos_are_decoded_at_once_than_memory_allows(
    app: Flask, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoding, most = [], []
    all_wait = threading.Event()

    def decode(*_: object) -> Image.Image:
        decoding.append(None)
        most.append(len(decoding))
        assert all_wait.wait(WAIT_SECONDS)
        decoding.pop()
        return Image.new("RGB", (8, 8))

    monkeypatch.setattr(photos, "_decode_jpeg", decode)
    app.extensions["site"].gate = Gate(cores=64)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, app.test_client(), coffee) for _ in range(8)]
        wait_until(lambda: counted("site_queue_length") == 8)
        all_wait.set()
        assert {answer.result(WAIT_SECONDS).status_code for answer in answers} == {200}
    assert max(most) == MOST_TURNS


# Behind https


def test_the_cookie_of_an_https_visitor_is_sent_by_https_only(client_of: MakeClient) -> None:
    by_https = {"X-Forwarded-Proto": "https"}
    page = client_of(trusted_proxies=1).get(CLASSIFIER, headers=by_https)
    assert "; Secure" in page.headers["Set-Cookie"]


def test_a_form_sent_by_https_needs_only_its_token(client_of: MakeClient) -> None:
    client = client_of(trusted_proxies=1)
    by_https = {"X-Forwarded-Proto": "https"}  # without a Referer, and by a proxy that passes on no Host
    page = client.get(CLASSIFIER, headers=by_https, base_url="https://localhost").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    for sent, status in ((token[1], 303), ("forged", 403)):
        form = {"csrf_token": sent}
        answer = client.post(f"{CLASSIFIER}clear", data=form, headers=by_https, base_url="https://localhost")
        assert answer.status_code == status


@pytest.mark.parametrize(("proxies", "scheme"), [(1, "http"), (0, "https")])
def test_without_https_or_a_trusted_word_for_it_the_cookie_still_arrives(
    client_of: MakeClient, proxies: int, scheme: str
) -> None:
    page = client_of(trusted_proxies=proxies).get(CLASSIFIER, headers={"X-Forwarded-Proto": scheme})
    assert "Secure" not in page.headers["Set-Cookie"]
