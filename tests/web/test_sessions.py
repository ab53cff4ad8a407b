"""Server-side sessions: the cookie is an id and nothing else, and no stored byte is unpickled."""

import io
import json
import logging
import pickle
import sqlite3
import time
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import cookie_name, csrf_token, session_records
from own_redis import OwnRedis
from redis import Redis
from werkzeug.test import TestResponse

from app import create_app
from app.history.entry import KEPT_FOR
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings
from app.web.background import sweep
from app.web.error_pages import COOKIE_SENTENCE, CSRF_SENTENCE
from app.web.sessions import SqliteSessions

CLASSIFIER = "/classify/"


class Bomb:
    """Leaves a trace when somebody unpickles it."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.trace,)


@pytest.fixture(params=["files", "redis"])
def app(request: pytest.FixtureRequest, settings: Settings) -> Flask:
    if request.param == "files":
        return create_app(settings)
    return create_app(Settings(instance=settings.instance, redis_url=request.getfixturevalue("redis_url")))


def session_id(client: FlaskClient) -> str:
    client.get(CLASSIFIER)
    cookie = client.get_cookie(cookie_name(client), path=CLASSIFIER)
    assert cookie
    return cookie.value


def token_in_session(client: FlaskClient) -> str:
    with client.session_transaction(CLASSIFIER) as session:
        return str(session["csrf_token"])


def post_photo(client: FlaskClient, token: str, photo: bytes) -> TestResponse:
    return client.post(CLASSIFIER, data={"csrf_token": token, "image": (io.BytesIO(photo), "photo.jpg")})


def change(settings: Settings, statement: str, *values: object) -> None:
    """Change what is stored of all sessions."""
    with closing(sqlite3.connect(settings.instance / "sessions.sqlite3")) as connection, connection:
        connection.execute(statement, values)


def choose(client: FlaskClient) -> None:
    """Make a choice that a session has to remember."""
    form = {"csrf_token": csrf_token(client), "product": "one", "model": DEFAULT_MODEL}
    client.post(CLASSIFIER, data=form | {"image": [(io.BytesIO(b"x"), "a.jpg"), (io.BytesIO(b"y"), "b.jpg")]})


def test_the_cookie_carries_only_an_id_and_is_out_of_reach_of_scripts(app: Flask) -> None:
    client = app.test_client()
    headers = client.get("/classify/").headers["Set-Cookie"]
    assert "HttpOnly" in headers
    assert "SameSite=Lax" in headers
    assert token_in_session(client) not in headers


def test_a_visitor_keeps_their_session_across_a_restart(app: Flask, settings: Settings) -> None:
    client = app.test_client()
    kept_id, kept_token = session_id(client), token_in_session(client)
    again = create_app(Settings(instance=settings.instance, redis_url=redis_of(app))).test_client()
    again.set_cookie(cookie_name(again), kept_id, path=CLASSIFIER)
    assert token_in_session(again) == kept_token


@pytest.mark.parametrize("forged", ["unknown", "x" * 8192, "../../etc/passwd", "%E2%80%AE", "\x01", ""])
def test_a_forged_cookie_starts_a_new_session(app: Flask, forged: str) -> None:
    client = app.test_client(use_cookies=False)
    page = client.get("/classify/", headers={"Cookie": f"{cookie_name(client)}={forged}"})
    assert page.status_code == 200
    assert "Set-Cookie" in page.headers


def test_a_pickled_session_is_never_unpickled(app: Flask, settings: Settings, tmp_path: Path) -> None:
    client = app.test_client()
    choose(client)
    stored = session_id(client)
    trace = tmp_path / "unpickled"
    bomb = pickle.dumps({"history": Bomb(trace)})
    if url := redis_of(app):
        with Redis.from_url(url) as redis:
            redis.set(f"session:{stored}", bomb)
    else:
        change(settings, "UPDATE session SET record = ?", bomb)
    assert client.get("/classify/").status_code == 200
    assert not trace.exists()


@pytest.mark.parametrize("record", [b"\x80\xff\x00", b"[1]", b"5", b"[" * 100_000])
def test_no_damaged_record_is_a_fault_of_a_page(app: Flask, settings: Settings, record: bytes) -> None:
    client = app.test_client()
    choose(client)
    stored = session_id(client)
    if url := redis_of(app):
        with Redis.from_url(url) as redis:
            redis.set(f"session:{stored}", record)
    else:
        change(settings, "UPDATE session SET record = CAST(? AS TEXT)", record)
    assert client.get("/classify/").status_code == 200


def test_looking_stores_nothing(app: Flask, settings: Settings) -> None:
    with Redis.from_url(redis_of(app)) if redis_of(app) else nullcontext() as redis:
        before = redis.keys("session:*") if redis else session_records(settings)
        for _ in range(20):
            assert csrf_token(app.test_client())
        assert (redis.keys("session:*") if redis else session_records(settings)) == before


def test_a_form_that_was_shown_can_be_sent_though_nothing_was_stored(
    app: Flask, service: ModelService, coffee: bytes
) -> None:
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    client = app.test_client()
    assert post_photo(client, csrf_token(client), coffee).status_code == 303
    assert post_photo(client, csrf_token(app.test_client()), coffee).status_code == 403


def test_first_photos_that_come_at_once_share_one_history(
    app: Flask, service: ModelService, coffee: bytes
) -> None:
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    client = app.test_client()
    token, kept = csrf_token(client), session_id(client)
    for _ in range(2):  # neither knows of the other's answer
        alone = app.test_client()
        alone.set_cookie(cookie_name(alone), kept, path=CLASSIFIER)
        assert post_photo(alone, token, coffee).status_code == 303
    assert client.get(CLASSIFIER).text.count("/photo") == 2


def test_beyond_the_most_records_the_one_used_longest_ago_goes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.sessions.MOST_RECORDS", 3)
    store = SqliteSessions(settings.instance / "sessions.sqlite3")
    for key in ("a", "b", "c", "a", "d"):
        store.set(key, {"is": key})
    assert [store.get(key) for key in "abcd"] == [{"is": "a"}, None, {"is": "c"}, {"is": "d"}]


def test_the_record_of_a_session_is_json(settings: Settings) -> None:
    choose(create_app(settings).test_client())
    [record] = session_records(settings)
    assert json.loads(record)["product"] == "one"


def test_a_damaged_record_is_a_new_session(settings: Settings) -> None:
    client = create_app(settings).test_client()
    choose(client)
    change(settings, "UPDATE session SET record = '{'")
    assert client.get(CLASSIFIER).status_code == 200


def test_the_cookie_goes_only_to_the_classifier(app: Flask) -> None:
    assert "Path=/classify/;" in app.test_client().get(CLASSIFIER).headers["Set-Cookie"]


def test_below_a_prefix_the_cookie_goes_to_the_classifier_there(app: Flask) -> None:
    page = app.test_client().get(CLASSIFIER, base_url="http://localhost/shop")
    assert "Path=/shop/classify/;" in page.headers["Set-Cookie"]


def test_each_kept_answer_moves_the_end_of_the_session(
    app: Flask, service: ModelService, coffee: bytes
) -> None:
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    client = app.test_client()
    token = csrf_token(client)
    kept = session_id(client)
    answer = post_photo(client, token, coffee)
    assert answer.status_code == 303
    [cookie] = [cookie for cookie in answer.headers.getlist("Set-Cookie") if f"={kept};" in cookie]
    expires = parsedate_to_datetime(cookie.partition("Expires=")[2].partition(";")[0])
    assert abs(expires - (datetime.now(UTC) + KEPT_FOR)) < timedelta(minutes=1)


def test_the_record_of_a_session_lives_on_with_each_kept_answer(
    settings: Settings, service: ModelService, coffee: bytes
) -> None:
    app = create_app(settings)
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    client = app.test_client()
    token = csrf_token(client)
    post_photo(client, token, coffee)
    soon = time.time() + 60
    change(settings, "UPDATE session SET until = ?", soon)
    assert post_photo(client, token, coffee).status_code == 303
    change(settings, "DELETE FROM session WHERE until < ?", soon + KEPT_FOR.total_seconds() / 2)
    assert len(session_records(settings)) == 1


def test_a_sweep_removes_expired_records_and_keeps_the_living(settings: Settings) -> None:
    app = create_app(settings)
    choose(app.test_client())
    change(settings, "UPDATE session SET until = ?", time.time() - 1)
    choose(app.test_client())
    [expired, living] = session_records(settings)
    sweep(app)
    assert session_records(settings) == [living]
    assert expired != living


def test_no_request_sweeps(settings: Settings) -> None:
    app = create_app(settings)
    choose(app.test_client())
    change(settings, "UPDATE session SET until = ?", time.time() - 1)
    choose(app.test_client())
    assert len(session_records(settings)) == 2


def test_sessions_out_of_reach_are_no_fault_of_a_page(settings: Settings) -> None:
    (settings.instance / "sessions.sqlite3").mkdir(parents=True)
    client = create_app(settings).test_client()
    assert [client.get(CLASSIFIER).status_code for _ in range(2)] == [200, 200]


def site_with(redis_url: str, settings: Settings, service: ModelService) -> FlaskClient:
    app = create_app(Settings(instance=settings.instance, redis_url=redis_url))
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    return app.test_client()


@pytest.fixture
def stranded(dead_redis_url: str, settings: Settings, service: ModelService) -> FlaskClient:
    """Give a visitor of a site whose Redis is down, with a cookie from better days."""
    client = site_with(dead_redis_url, settings, service)
    client.set_cookie(cookie_name(client), session_id(client))  # to all paths: even there it does no harm
    return client


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/source/", "/static/base.css", CLASSIFIER])
def test_without_redis_every_page_is_there(stranded: FlaskClient, path: str) -> None:
    with stranded.get(path) as page:
        assert page.status_code == 200


def test_without_redis_the_api_answers(stranded: FlaskClient, coffee: bytes) -> None:
    answer = stranded.post("/api/v1/predictions", data={"image": (io.BytesIO(coffee), "photo.jpg")})
    assert answer.status_code == 200


def test_without_redis_a_new_visitor_gets_an_answer_that_says_it_was_not_kept(
    dead_redis_url: str, settings: Settings, service: ModelService, coffee: bytes
) -> None:
    client = site_with(dead_redis_url, settings, service)
    answer = post_photo(client, csrf_token(client), coffee)
    assert answer.status_code == 200
    assert "not kept" in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/classify/some-id", "/classify/some-id/photo"])
def test_without_redis_an_old_answer_is_unavailable_rather_than_gone(
    stranded: FlaskClient, path: str
) -> None:
    page = stranded.get(path)
    assert page.status_code == 503
    assert "history cannot be reached" in page.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/classify/some-id/delete", "/classify/clear"])
def test_without_redis_a_deletion_says_why_it_fails(stranded: FlaskClient, path: str) -> None:
    answer = stranded.post(path)
    assert answer.status_code == 503
    assert "history cannot be reached" in answer.get_data(as_text=True)


def test_a_down_redis_takes_one_line_of_the_log_for_each_that_does_without(
    stranded: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        stranded.get(CLASSIFIER)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "sessions unavailable",
        "rate limits unavailable",
    ]
    assert not any(record.exc_info for record in caplog.records)


def test_when_redis_stops_answers_go_on_and_when_it_is_back_so_is_the_history(
    own_redis: OwnRedis, settings: Settings, service: ModelService, coffee: bytes
) -> None:
    client = site_with(own_redis.url, settings, service)
    token = csrf_token(client)
    kept = post_photo(client, token, coffee).location
    own_redis.stop()
    answer = post_photo(client, token, coffee)
    assert answer.status_code == 200
    assert "not kept" in answer.get_data(as_text=True)
    own_redis.start()
    assert client.get(kept).status_code == 200
    assert post_photo(client, token, coffee).status_code == 303


def test_a_forged_form_is_refused_again_as_soon_as_redis_is_back(
    own_redis: OwnRedis, settings: Settings, service: ModelService, coffee: bytes
) -> None:
    client = site_with(own_redis.url, settings, service)
    session_id(client)
    own_redis.stop()
    assert post_photo(client, "forged", coffee).status_code == 200
    own_redis.start()
    assert post_photo(client, "forged", coffee).status_code == 403
    assert "/photo" not in client.get(CLASSIFIER).get_data(as_text=True)


def redis_of(app: Flask) -> str:
    settings: Settings = app.extensions["site"].settings
    return settings.redis_url


@pytest.mark.parametrize("path", ["nosuch", "nosuch/photo", "nosuch/correct", "nosuch/heatmaps", "history",
                                  "history/export/csv"])  # fmt: skip
def test_asking_for_something_missing_makes_no_session(app: Flask, path: str) -> None:
    answer = app.test_client().get(f"{CLASSIFIER}{path}")
    assert answer.status_code in {200, 404}
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["", "history", "nosuch"])
def test_no_cache_that_visitors_share_may_keep_what_is_theirs(app: Flask, path: str) -> None:
    assert app.test_client().get(f"{CLASSIFIER}{path}").cache_control.private


def test_two_sites_on_one_host_do_not_take_each_others_cookie(
    settings: Settings, service: ModelService, coffee: bytes
) -> None:
    """Cookies know no ports: a browser sends both sites those of both."""
    first, second = (
        create_app(replace(settings, instance=settings.instance / name)).test_client() for name in ("a", "b")
    )
    first.application.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    token = csrf_token(first)
    csrf_token(second)
    assert cookie_name(first) != cookie_name(second)
    cookie = second.get_cookie(cookie_name(second), path=CLASSIFIER)
    assert cookie
    first.set_cookie(cookie_name(second), cookie.value, path=CLASSIFIER)
    assert post_photo(first, token, coffee).status_code == 303


def test_a_form_without_any_cookie_names_blocked_cookies_as_the_cause(app: Flask, coffee: bytes) -> None:
    client = app.test_client(use_cookies=False)
    answer = post_photo(client, csrf_token(client), coffee)
    assert answer.status_code == 403
    assert COOKIE_SENTENCE in answer.text


def test_a_form_with_a_cookie_and_without_the_token_has_expired(app: Flask, coffee: bytes) -> None:
    client = app.test_client()
    session_id(client)
    assert CSRF_SENTENCE in post_photo(client, "forged", coffee).text
