"""Server-side sessions: the cookie carries an id, the server a small JSON record, nothing is unpickled."""

import json
import logging
import secrets
import struct
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import IO, Any

import msgspec
from cachelib import FileSystemCache
from cachelib.serializers import FileSystemSerializer
from flask import Flask, Request, request, session
from flask_session.base import MsgSpecSerializer, ServerSideSession, ServerSideSessionInterface
from flask_session.cachelib import CacheLibSessionInterface
from flask_session.redis import RedisSessionInterface
from flask_wtf import CSRFProtect
from redis import RedisError
from werkzeug.wrappers import Response

from app.errors import HistoryUnavailable
from app.history.entry import KEPT_FOR
from app.history.redis import connect
from app.settings import Settings
from app.web import metrics
from app.web.api import predictions

SWEEP_SECONDS = 3600.0  # between two removals of expired session files
PROBE_BYTES = 64 * 1024  # more than any record has: the faults of 50 files take up to 60 kB

log = logging.getLogger(__name__)


class JsonFileSerializer(FileSystemSerializer):
    """Keeps session files as JSON: cachelib's own serialiser unpickles what it finds."""

    def load(self, f: IO[bytes]) -> Any:
        try:
            return json.loads(f.read())
        except ValueError:
            return None  # a damaged record is a new session


class JsonFileCache(FileSystemCache):
    """Session files, each removed after it has expired and never before."""

    serializer = JsonFileSerializer()
    _next_sweep = 0.0

    def set(self, key: str, value: Any, timeout: Any = None, mgmt_element: bool = False) -> bool:  # noqa: ARG002
        """Write a record whole or not at all, where cachelib leaves half a file. Raises OSError."""
        self._prune()
        record = struct.pack("I", self._normalize_timeout(timeout)) + json.dumps(value).encode()
        self._write(record, self._get_filename(key))
        return True

    def check_writable(self) -> None:
        """Raise OSError if no record can be written."""
        self._write(bytes(PROBE_BYTES))

    def _write(self, record: bytes, keep_as: str = "") -> None:
        handle, name = mkstemp(self._fs_transaction_suffix, dir=self._path)  # it has mode 600
        try:
            with open(handle, "wb") as file:  # noqa: PTH123  # a handle is no path
                file.write(record)
            if keep_as:
                Path(name).replace(keep_as)
        finally:
            Path(name).unlink(missing_ok=True)

    def _prune(self) -> None:
        """Remove expired files, at the first save of a process and then hourly; every save calls this."""
        now = time.time()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            with suppress(OSError):  # a folder that is gone shows at the save itself
                self._remove_expired(now)


class SafeSerializer(MsgSpecSerializer):
    """Flask-Session's serialiser without its last resort, pickle."""

    def decode(self, serialized_data: bytes) -> dict[str, Any]:
        try:
            return dict(self.decoder.decode(serialized_data))
        except (msgspec.DecodeError, TypeError, ValueError):
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
        try:
            return super().open_session(app, request)
        except (RedisError, OSError) as error:
            _note(error)
            return None  # Flask makes a null session of it, which it does not save

    def _upsert_session(self, *args: Any) -> None:
        try:
            super()._upsert_session(*args)
        except (RedisError, OSError) as error:
            # The cookie is sent nevertheless: by it the next request knows that the store is still down.
            _note(error)


class FileSessions(ClassifierSessions, CacheLibSessionInterface):
    """Sessions in files of the instance folder."""

    def _retrieve_session_data(self, store_id: str) -> Any:
        """Read a record. Raises OSError where there is none as none can be written: on a full disk."""
        data = self.cache.get(store_id)
        if data is None:
            self.cache.check_writable()
        return data


class RedisSessions(ClassifierSessions, RedisSessionInterface):
    """Sessions in Redis."""


class SessionCsrf(CSRFProtect):
    """Checks the token of forms, but where no session can be read: there is none to misuse, nor a token."""

    def protect(self, *args: Any, **kwargs: Any) -> None:
        if not isinstance(session, UnreachableSession):
            super().protect(*args, **kwargs)


def _note(error: Exception) -> None:
    log.warning("sessions unavailable: %s", error)
    metrics.degraded.labels("sessions").inc()


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        PERMANENT_SESSION_LIFETIME=KEPT_FOR,
        SESSION_REFRESH_EACH_REQUEST=False,  # pages that do not touch the session send no cookie
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="session",
        WTF_CSRF_TIME_LIMIT=None,  # a page left open over lunch still works; the session bounds it
        WTF_CSRF_SSL_STRICT=False,  # the token suffices: some browsers send no Referer, some proxies no Host
    )
    if settings.redis_url:
        app.session_interface = RedisSessions(app, connect(settings.redis_url))
        app.session_interface.serializer = SafeSerializer(app, "json")
    else:
        folder = settings.instance / "sessions"
        cache = JsonFileCache(str(folder), threshold=0, mode=0o600)  # 0: never drop a live session
        app.session_interface = FileSessions(app, cache)
    app.after_request(keep_private)
    SessionCsrf(app).exempt(predictions.bp)  # programs send no cookie, so no other site can misuse one


def keep_private(response: Response) -> Response:
    """Forbid caches that visitors share to keep what was made for one of them."""
    if getattr(session, "accessed", False) and not response.cache_control:
        response.cache_control.private = True
    return response


def history_owner() -> str:
    """Return the id under which this visitor's history is kept, "" for one who has none yet.

    Raises HistoryUnavailable when the visitor's session cannot be read.
    """
    if isinstance(session, UnreachableSession):
        raise HistoryUnavailable
    return str(session.get("history", ""))


def begin_history() -> str:
    """Return the same id, and make one on first use: before photos come, which may be several at once.

    Raises HistoryUnavailable when the visitor's session cannot be read.
    """
    if not history_owner():
        session["history"] = secrets.token_urlsafe(24)
    return str(session["history"])


def extend_session() -> None:
    """Move the end of the visitor's session, record and cookie, to `KEPT_FOR` from now."""
    session.modified = True
