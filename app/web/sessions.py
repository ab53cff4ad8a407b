"""Server-side sessions: the cookie carries a signed id, the server keeps a small JSON record when it has to.

What every visitor has, a secret for forms and the id of a history, follows from the id by the site's key. So
looking at a page stores nothing; a record is made with the first answer that is kept, or the first choice.
"""

import hashlib
import hmac
import json
import logging
import secrets
import time
from pathlib import Path
from typing import Any

import msgspec
from cachelib import BaseCache
from flask import Flask, Request, g, request, session
from flask_session.base import MsgSpecSerializer, ServerSideSession, ServerSideSessionInterface
from flask_session.cachelib import CacheLibSessionInterface
from flask_session.redis import RedisSessionInterface
from flask_wtf import CSRFProtect
from itsdangerous import BadSignature, Signer
from redis import RedisError
from werkzeug.wrappers import Response

from app.errors import HistoryUnavailable
from app.history.entry import KEPT_FOR
from app.settings import Settings
from app.storage.redis import check, connect
from app.storage.sqlite import SqliteFile
from app.web import metrics

COOKIE = "session"
FORM_TOKEN = "csrf_token"  # noqa: S105  # under this name Flask-WTF looks for it
MOST_RECORDS = 100_000  # in the file; a new one beyond them takes the place of the one used longest ago
TABLES = """
CREATE TABLE IF NOT EXISTS session (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    until REAL NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS session_by_end ON session (until);
"""

log = logging.getLogger(__name__)


class SessionsUnavailable(Exception):
    """The file of sessions cannot be read or written."""


class SqliteSessions(BaseCache):
    """Session records in the SQLite file `path`, for Flask-Session, which talks to a cache.

    Every method raises SessionsUnavailable.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = SqliteFile(path, TABLES, SessionsUnavailable)

    def get(self, key: str) -> Any:
        with self._file.transaction() as connection:
            query = "SELECT CAST(record AS BLOB) FROM session WHERE id = ? AND until > ?"
            row = connection.execute(query, (key, time.time())).fetchone()
        try:
            record = json.loads(row[0]) if row else None
        except (ValueError, RecursionError):
            return None  # a damaged record is a new session
        return record if isinstance(record, dict) else None

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        until = time.time() + (timeout or KEPT_FOR.total_seconds())
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM session WHERE id = ?", (key,))
            query = "INSERT INTO session (id, until, record) VALUES (?, ?, ?)"
            number = connection.execute(query, (key, until, json.dumps(value))).lastrowid or 0
            connection.execute("DELETE FROM session WHERE number <= ?", (number - MOST_RECORDS,))
        return True

    def delete(self, key: str) -> bool:
        with self._file.transaction() as connection:
            return connection.execute("DELETE FROM session WHERE id = ?", (key,)).rowcount == 1

    def check(self) -> None:
        self._file.check()

    def sweep(self) -> None:
        """Delete the records that have expired."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM session WHERE until <= ?", (time.time(),))


class SafeSerializer(MsgSpecSerializer):
    """Flask-Session's serialiser without its last resort, pickle."""

    def decode(self, serialized_data: bytes) -> dict[str, Any]:
        try:
            return dict(self.decoder.decode(serialized_data))
        except (msgspec.DecodeError, RecursionError, TypeError, ValueError):
            return {}


class UnreachableSession(ServerSideSession):
    """Stands in for the visitor's session while it cannot be read; nothing in it is saved."""


class ClassifierSessions(ServerSideSessionInterface):
    """Sessions of the classifier's visitors, who go on without while the store is out of reach.

    The cookie goes to the classifier alone, so that no other page waits for the store; and by https
    alone to who came by https, which TRUSTED_PROXIES lets the site know.
    """

    null_session_class = UnreachableSession

    def get_cookie_path(self, app: Flask) -> str:  # noqa: ARG002
        return f"{request.script_root}/classify/"

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002
        return request.is_secure

    def open_session(self, app: Flask, request: Request) -> ServerSideSession | None:
        sid = request.cookies.get(COOKIE, "")
        try:
            _signer(app).unsign(sid)
        except BadSignature:
            sid = _signer(app).sign(secrets.token_urlsafe(24)).decode()
            return ServerSideSession(_first_record(app, sid), sid=sid, permanent=True)
        try:
            record = self._retrieve_session_data(self._get_store_id(sid))
        except (RedisError, SessionsUnavailable) as error:
            _note(error)
            return None  # Flask makes a null session of it, which it does not save
        return ServerSideSession(_first_record(app, sid) | (record or {}), sid=sid, permanent=True)

    def save_session(self, app: Flask, session: ServerSideSession, response: Response) -> None:
        """Save what has changed; a form that was shown needs the cookie alone."""
        super().save_session(app, session, response)
        if not session.modified and FORM_TOKEN in g and request.cookies.get(COOKIE) != session.sid:
            response.set_cookie(
                COOKIE,
                session.sid,
                expires=self.get_expiration_time(app, session),
                path=self.get_cookie_path(app),
                secure=self.get_cookie_secure(app),
                httponly=True,
                samesite="Lax",
            )

    def _upsert_session(self, *args: Any) -> None:
        try:
            super()._upsert_session(*args)
        except (RedisError, SessionsUnavailable) as error:
            _note(error)


class FileSessions(ClassifierSessions, CacheLibSessionInterface):
    """Sessions in a file of the instance folder."""

    def sweep(self) -> None:
        """Delete the records that have expired. Raises SessionsUnavailable."""
        self.cache.sweep()

    def check(self) -> None:
        """Do nothing where records can be kept. Raises SessionsUnavailable."""
        self.cache.check()


class RedisSessions(ClassifierSessions, RedisSessionInterface):
    """Sessions in Redis."""

    def sweep(self) -> None:
        """Leave it to Redis, which drops by itself what has expired."""

    def check(self) -> None:
        """Do nothing where records can be kept. Raises SessionsUnavailable."""
        check(self.client, SessionsUnavailable)


class SessionCsrf(CSRFProtect):
    """Checks the token of forms, but where no session can be read: there is none to misuse, nor a token."""

    def protect(self, *args: Any, **kwargs: Any) -> None:
        if not isinstance(session, UnreachableSession):
            super().protect(*args, **kwargs)


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        PERMANENT_SESSION_LIFETIME=KEPT_FOR,
        SESSION_REFRESH_EACH_REQUEST=False,  # pages that do not touch the session send no cookie
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME=COOKIE,
        WTF_CSRF_TIME_LIMIT=None,  # a page left open over lunch still works; the session bounds it
        WTF_CSRF_SSL_STRICT=False,  # the token suffices: some browsers send no Referer, some proxies no Host
    )
    if settings.redis_url:
        app.session_interface = RedisSessions(app, connect(settings.redis_url))
        app.session_interface.serializer = SafeSerializer(app, "json")
    else:
        app.session_interface = FileSessions(app, SqliteSessions(settings.instance / "sessions.sqlite3"))
    app.after_request(keep_private)


def keep_private(response: Response) -> Response:
    """Forbid caches that visitors share to keep what was made for one of them."""
    if getattr(session, "accessed", False) and not response.cache_control:
        response.cache_control.private = True
    return response


def history_owner() -> str:
    """Return the id under which this visitor's history is kept.

    Raises HistoryUnavailable when the visitor's session cannot be read.
    """
    if isinstance(session, UnreachableSession):
        raise HistoryUnavailable
    return str(session["history"])


def extend_session() -> None:
    """Move the end of the visitor's session, record and cookie, to `KEPT_FOR` from now."""
    session.modified = True


def _first_record(app: Flask, sid: str) -> dict[str, str]:
    """Derive what a session holds before anything is stored in it; the same for the same id."""
    return {name: _derive(app, name, sid) for name in (FORM_TOKEN, "history")}


def _derive(app: Flask, purpose: str, sid: str) -> str:
    key = str(app.secret_key).encode()
    return hmac.digest(key, f"{purpose} of {sid}".encode(), hashlib.sha256).hex()


def _signer(app: Flask) -> Signer:
    return Signer(str(app.secret_key), salt="session", digest_method=hashlib.sha256)


def _note(error: Exception) -> None:
    log.warning("sessions unavailable: %s", error)
    metrics.degraded.labels("sessions").inc()
