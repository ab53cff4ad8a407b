"""Server-side sessions: the cookie is an id and nothing else, and no stored byte is unpickled."""

import io
import logging
import pickle
import struct
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token, free_port, wait_until_it_answers
from redis import Redis
from werkzeug.test import TestResponse

from app import create_app
from app.history.entry import KEPT_FOR
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings
from app.web.sessions import SWEEP_SECONDS

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
    cookie = client.get_cookie("session", path=CLASSIFIER)
    assert cookie
    return cookie.value


def token_in_session(client: FlaskClient) -> str:
    with client.session_transaction(CLASSIFIER) as session:
        return str(session["csrf_token"])


def post_photo(client: FlaskClient, token: str, photo: bytes) -> TestResponse:
    return client.post(CLASSIFIER, data={"csrf_token": token, "image": (io.BytesIO(photo), "photo.jpg")})


def session_files(settings: Settings) -> set[Path]:
    return set((settings.instance / "sessions").iterdir())


def end(session_file: Path) -> None:
    """Let a session expire: its file begins with the Unix time until which it is valid."""
    session_file.write_bytes(struct.pack("I", int(time.time()) - 1) + session_file.read_bytes()[4:])


def test_the_cookie_carries_an_id_alone_and_is_out_of_reach_of_scripts(app: Flask) -> None:
    client = app.test_client()
    headers = client.get("/classify/").headers["Set-Cookie"]
    assert "HttpOnly" in headers
    assert "SameSite=Lax" in headers
    assert token_in_session(client) not in headers


def test_a_visitor_keeps_their_session_across_a_restart(app: Flask, settings: Settings) -> None:
    client = app.test_client()
    kept_id, kept_token = session_id(client), token_in_session(client)
    again = create_app(Settings(instance=settings.instance, redis_url=redis_of(app))).test_client()
    again.set_cookie("session", kept_id, path=CLASSIFIER)
    assert token_in_session(again) == kept_token


@pytest.mark.parametrize("forged", ["unknown", "x" * 8192, "../../etc/passwd", "%E2%80%AE", "\x01", ""])
def test_a_forged_cookie_starts_a_new_session(app: Flask, forged: str) -> None:
    page = app.test_client(use_cookies=False).get("/classify/", headers={"Cookie": f"session={forged}"})
    assert page.status_code == 200
    assert "Set-Cookie" in page.headers


def test_a_pickled_session_is_never_unpickled(app: Flask, settings: Settings, tmp_path: Path) -> None:
    client = app.test_client()
    stored = session_id(client)
    trace = tmp_path / "unpickled"
    bomb = pickle.dumps({"history": Bomb(trace)})
    if url := redis_of(app):
        with Redis.from_url(url) as redis:
            redis.set(f"session:{stored}", bomb)
    else:
        for path in (settings.instance / "sessions").iterdir():
            path.write_bytes(path.read_bytes()[:4] + bomb)
    assert client.get("/classify/").status_code == 200
    assert not trace.exists()


def test_more_than_500_sessions_live_side_by_side(settings: Settings) -> None:
    app = create_app(settings)
    first = app.test_client()
    kept = token_in_session(first) if session_id(first) else ""
    for _ in range(520):
        app.test_client().get("/classify/")
    assert token_in_session(first) == kept


def test_the_record_of_a_session_is_json(settings: Settings) -> None:
    session_id(create_app(settings).test_client())
    records = [path.read_bytes()[4:] for path in (settings.instance / "sessions").iterdir()]
    assert any(
        "csrf_token" in (record or {})
        for record in map(msgspec.json.decode, records)
        if isinstance(record, dict)
    )


def test_the_cookie_goes_to_the_classifier_alone(app: Flask) -> None:
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
    [cookie] = [cookie for cookie in answer.headers.getlist("Set-Cookie") if f"session={kept};" in cookie]
    expires = parsedate_to_datetime(cookie.partition("Expires=")[2].partition(";")[0])
    assert abs(expires - (datetime.now(UTC) + KEPT_FOR)) < timedelta(minutes=1)


def test_the_record_of_a_session_lives_on_with_each_kept_answer(
    settings: Settings, service: ModelService, coffee: bytes
) -> None:
    app = create_app(settings)
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    client = app.test_client()
    token = csrf_token(client)
    [record] = session_files(settings)
    soon = int(time.time()) + 60
    record.write_bytes(struct.pack("I", soon) + record.read_bytes()[4:])
    assert post_photo(client, token, coffee).status_code == 303
    [end_of_life] = struct.unpack("I", record.read_bytes()[:4])
    assert end_of_life > soon + KEPT_FOR.total_seconds() / 2


def test_a_new_process_removes_expired_sessions_and_keeps_the_living(settings: Settings) -> None:
    app = create_app(settings)
    app.test_client().get(CLASSIFIER)
    [expired] = session_files(settings)
    living = app.test_client()
    kept = session_id(living)
    [record] = session_files(settings) - {expired}
    end(expired)
    again = create_app(settings).test_client()
    again.get(CLASSIFIER)
    assert expired not in session_files(settings)
    assert record in session_files(settings)
    again.set_cookie("session", kept, path=CLASSIFIER)
    assert token_in_session(again) == token_in_session(living)


def test_a_long_running_process_removes_expired_sessions_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(settings)
    app.test_client().get(CLASSIFIER)
    [expired] = session_files(settings)
    end(expired)
    app.test_client().get(CLASSIFIER)
    assert expired in session_files(settings)  # once an hour is enough
    later = time.time() + SWEEP_SECONDS
    monkeypatch.setattr("app.web.sessions.time.time", lambda: later)
    app.test_client().get(CLASSIFIER)
    assert expired not in session_files(settings)


def test_a_sessions_folder_that_vanished_is_no_fault_of_a_page(settings: Settings) -> None:
    app = create_app(settings)
    (settings.instance / "sessions").rmdir()
    assert app.test_client().get(CLASSIFIER).status_code == 200


class StoppableRedis:
    """A redis-server of a test's own, at `url`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        self._command += ["--dir", str(folder), "--logfile", "redis.log"]

    def start(self) -> None:
        self._server = subprocess.Popen(self._command)
        wait_until_it_answers(self._server, self.port)

    def stop(self) -> None:
        self._server.terminate()  # it saves what it holds, for the next start
        self._server.wait(10)


@pytest.fixture
def own_redis(redis_url: str, tmp_path: Path) -> Iterator[StoppableRedis]:  # noqa: ARG001  # it skips or fails
    server = StoppableRedis(tmp_path)
    server.start()
    yield server
    server.stop()


def site_with(redis_url: str, settings: Settings, service: ModelService) -> FlaskClient:
    app = create_app(Settings(instance=settings.instance, redis_url=redis_url))
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    return app.test_client()


@pytest.fixture
def stranded(dead_redis_url: str, settings: Settings, service: ModelService) -> FlaskClient:
    """Give a visitor of a site whose Redis is down, with a cookie from better days."""
    client = site_with(dead_redis_url, settings, service)
    client.set_cookie("session", "from-better-days")  # to all paths: even there it does no harm
    return client


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/source/", "/static/site.css", CLASSIFIER])
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
    own_redis: StoppableRedis, settings: Settings, service: ModelService, coffee: bytes
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
    own_redis: StoppableRedis, settings: Settings, service: ModelService, coffee: bytes
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
def test_who_only_looks_for_what_is_not_there_gets_no_session(app: Flask, path: str) -> None:
    answer = app.test_client().get(f"{CLASSIFIER}{path}")
    assert answer.status_code in {200, 404}
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["", "history", "nosuch"])
def test_no_cache_that_visitors_share_may_keep_what_is_theirs(app: Flask, path: str) -> None:
    assert app.test_client().get(f"{CLASSIFIER}{path}").cache_control.private
