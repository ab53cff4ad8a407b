"""Server-side sessions: the cookie carries an id, the server a small JSON record, nothing is unpickled."""

import json
import secrets
from typing import IO, Any

import msgspec
from cachelib import FileSystemCache
from cachelib.serializers import FileSystemSerializer
from flask import Flask, session
from flask_session import Session
from flask_session.base import MsgSpecSerializer
from flask_wtf import CSRFProtect

from app.api import predictions
from app.history.store import KEPT_FOR
from app.settings import Settings


class JsonFileSerializer(FileSystemSerializer):
    """Keeps session files as JSON: cachelib's own serialiser unpickles what it finds."""

    def dump(self, value: Any, f: IO[bytes], protocol: int = 0) -> None:  # noqa: ARG002
        f.write(json.dumps(value).encode())

    def load(self, f: IO[bytes]) -> Any:
        try:
            return json.loads(f.read())
        except ValueError:
            return None  # a damaged record is a new session


class JsonFileCache(FileSystemCache):
    serializer = JsonFileSerializer()


class SafeSerializer(MsgSpecSerializer):
    """Flask-Session's serialiser without its last resort, pickle."""

    def decode(self, serialized_data: bytes) -> dict[str, Any]:
        try:
            return dict(self.decoder.decode(serialized_data))
        except (msgspec.DecodeError, TypeError, ValueError):
            return {}


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        SESSION_PERMANENT=True,
        PERMANENT_SESSION_LIFETIME=KEPT_FOR,
        SESSION_REFRESH_EACH_REQUEST=False,  # pages that do not touch the session send no cookie
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="session",
        WTF_CSRF_TIME_LIMIT=None,  # a page left open over lunch still works; the session bounds it
    )
    if settings.redis_url:
        from app.history.redis import connect

        app.config.update(SESSION_TYPE="redis", SESSION_REDIS=connect(settings.redis_url))
    else:
        folder = settings.instance / "sessions"
        cache = JsonFileCache(str(folder), threshold=0, mode=0o600)  # 0: never drop a live session
        app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
    Session(app)
    app.session_interface.serializer = SafeSerializer(app, "json")  # type: ignore[attr-defined]
    CSRFProtect(app).exempt(predictions.bp)  # programs send no cookie, so no other site can misuse one


def history_owner() -> str:
    """Return the id under which this visitor's history is kept; makes one on first use."""
    if "history" not in session:
        session["history"] = secrets.token_urlsafe(24)
    return str(session["history"])
