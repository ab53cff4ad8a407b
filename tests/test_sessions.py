"""Server-side sessions: the cookie is an id and nothing else, and no stored byte is unpickled."""

import pickle
from pathlib import Path

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from app.settings import Settings


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
    client.get("/classify/")
    cookie = client.get_cookie("session")
    assert cookie
    return cookie.value


def history_id(client: FlaskClient) -> str:
    with client.session_transaction() as session:
        return str(session["history"])


def test_the_cookie_carries_an_id_alone_and_is_out_of_reach_of_scripts(app: Flask) -> None:
    client = app.test_client()
    headers = client.get("/classify/").headers["Set-Cookie"]
    assert "HttpOnly" in headers
    assert "SameSite=Lax" in headers
    assert history_id(client) not in headers


def test_a_visitor_keeps_their_history_across_a_restart(app: Flask, settings: Settings) -> None:
    client = app.test_client()
    kept_id, kept_history = session_id(client), history_id(client)
    again = create_app(Settings(instance=settings.instance, redis_url=redis_of(app))).test_client()
    again.set_cookie("session", kept_id)
    assert history_id(again) == kept_history


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
    kept = history_id(first) if session_id(first) else ""
    for _ in range(520):
        app.test_client().get("/classify/")
    assert history_id(first) == kept


def test_the_record_of_a_session_is_json(settings: Settings) -> None:
    session_id(create_app(settings).test_client())
    records = [path.read_bytes()[4:] for path in (settings.instance / "sessions").iterdir()]
    assert any(
        "history" in (record or {})
        for record in map(msgspec.json.decode, records)
        if isinstance(record, dict)
    )


def redis_of(app: Flask) -> str:
    settings: Settings = app.extensions["settings"]
    return settings.redis_url
