"""Server-side sessions: the cookie carries a signed id, and the server keeps a small record only if it must.

Every visitor has a secret for forms and a history id. Both are derived from the session id with the site's
key, so looking at a page stores nothing. The first answer kept, or the first choice, makes a record.
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
from flask import Flask, Request, current_app, g, request, session
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

CLASSIFIER = "/classify/"  # the path of all pages that touch the session
FORM_TOKEN = "csrf_token"  # noqa: S105  # the name that Flask-WTF looks for
MOST_RECORDS = 100_000  # in the file; a new one beyond them replaces the least recently used
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
    """Session records in the SQLite file `path`, as the cache that Flask-Session expects.

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
            return None  # a damaged record starts a new session
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
    """Flask-Session's serialiser without its fallback, pickle."""

    def decode(self, serialized_data: bytes) -> dict[str, Any]:
        try:
            return dict(self.decoder.decode(serialized_data))
        except (msgspec.DecodeError, RecursionError, TypeError, ValueError):
            return {}


class UnreachableSession(ServerSideSession):
    """Stands in for a session that cannot be read; nothing in it is saved."""


class ClassifierSessions(ServerSideSessionInterface):
    """Sessions of the classifier's visitors, who can go on without one while the store is out of reach.

    The cookie goes only to the classifier, so that no other page waits for the store. A visitor who came by
    https, which TRUSTED_PROXIES lets the site know, sends it only by https.
    """

    null_session_class = UnreachableSession

    def get_cookie_path(self, app: Flask) -> str:  # noqa: ARG002
        return request.script_root + CLASSIFIER

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002
        return request.is_secure

    def open_session(self, app: Flask, request: Request) -> ServerSideSession | None:
        if not request.path.startswith(CLASSIFIER):  # no browser sends the cookie there
            return ServerSideSession(sid="")
        sid = request.cookies.get(self.get_cookie_name(app), "")
        try:
            _signer(app).unsign(sid)
        except BadSignature:
            sid = _signer(app).sign(secrets.token_urlsafe(24)).decode()
            return ServerSideSession(_first_record(app, sid), sid=sid, permanent=True)
        try:
            record = self._retrieve_session_data(self._get_store_id(sid))
        except (RedisError, SessionsUnavailable) as error:
            _note(error)
            return None  # Flask then uses a null session, which it does not save
        return ServerSideSession(_first_record(app, sid) | (record or {}), sid=sid, permanent=True)

    def save_session(self, app: Flask, session: ServerSideSession, response: Response) -> None:
        """Save what has changed; a form on a page needs only the cookie."""
        super().save_session(app, session, response)
        name = self.get_cookie_name(app)
        if not session.modified and FORM_TOKEN in g and request.cookies.get(name) != session.sid:
            response.set_cookie(
                name,
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
    """Sessions in a file in the instance folder."""

    def sweep(self) -> None:
        """Delete the records that have expired. Raises SessionsUnavailable."""
        self.cache.sweep()

    def check(self) -> None:
        """Do nothing where records can be kept. Raises SessionsUnavailable."""
        self.cache.check()


class RedisSessions(ClassifierSessions, RedisSessionInterface):
    """Sessions in Redis."""

    def sweep(self) -> None:
        """Do nothing: Redis itself drops what has expired."""

    def check(self) -> None:
        """Do nothing where records can be kept. Raises SessionsUnavailable."""
        check(self.client, SessionsUnavailable)


class SessionCsrf(CSRFProtect):
    """Checks the token of forms, except while no session can be read: there is none to misuse."""

    def protect(self, *args: Any, **kwargs: Any) -> None:
        if not isinstance(session, UnreachableSession):
            super().protect(*args, **kwargs)


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        PERMANENT_SESSION_LIFETIME=KEPT_FOR,
        SESSION_REFRESH_EACH_REQUEST=False,  # a page that does not touch the session sends no cookie
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME=f"session-{_derive(app, 'name', 'cookie')[:8]}",  # see has_cookie
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
    """Forbid shared caches to keep what was made for one visitor."""
    if getattr(session, "accessed", False) and not response.cache_control:
        response.cache_control.private = True
    return response


def has_cookie() -> bool:
    """Tell whether the browser has sent this site's cookie, however old.

    Its name follows from the site's key, because cookies know no ports: two sites on one host would else
    overwrite each other's.
    """
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies


def history_owner() -> str:
    """Return the history id of this visitor.

    Raises HistoryUnavailable when the visitor's session cannot be read.
    """
    if isinstance(session, UnreachableSession):
        raise HistoryUnavailable
    return str(session["history"])


def extend_session() -> None:
    """Extend the visitor's session, record and cookie, to `KEPT_FOR` from now."""
    session.modified = True


def _first_record(app: Flask, sid: str) -> dict[str, str]:
    """Derive from its id what a session holds before anything is stored in it."""
    return {name: _derive(app, name, sid) for name in (FORM_TOKEN, "history")}


def _derive(app: Flask, purpose: str, sid: str) -> str:
    key = str(app.secret_key).encode()
    return hmac.digest(key, f"{purpose} of {sid}".encode(), hashlib.sha256).hex()


def _signer(app: Flask) -> Signer:
    return Signer(str(app.secret_key), salt="session", digest_method=hashlib.sha256)


def _note(error: Exception) -> None:
    log.warning("sessions unavailable: %s", error)
    metrics.degraded.labels("sessions").inc()
