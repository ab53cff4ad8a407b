"""The only code of the site that opens a URL, with bounded time, bytes, pixels and redirects.

It connects to public addresses only, by https. The one exception is a site that the operator names in the
settings: it may be anywhere, also on http, but this does not extend to its links and redirects.
"""

import json
import logging
import math
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Thread
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from filelock import FileLock
from requests import PreparedRequest, Request, Response
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from app.errors import (
    AppError,
    MachineFull,
    Overloaded,
    TooLarge,
    UnsupportedFormat,
    UrlNotAllowed,
    UrlUnavailable,
    tells_of_full_machine,
)
from app.recognition.limits import MAX_BYTES
from app.recognition.photos import knows_size
from app.sources.guard import PublicAdapter

VERSION = "0.2.0"  # a test compares it with pyproject.toml
CONNECT_SECONDS = 2.0
READ_SECONDS = 4.0
CLICK_SECONDS = 6.0
MAX_REDIRECTS = 3
MAX_URL = 2000  # characters
MAX_JSON_BYTES = 1024 * 1024
MAX_FETCHES = 8  # of one fetcher at a time, including those that wait in line
REST_SECONDS = 60.0  # for a server in trouble, unless it asks for more or less
MAX_REST_SECONDS = 3600.0  # the most that it may ask for
CHUNK = 64 * 1024
FIRST_LOOK = 64  # bytes of a photo, enough to know its format
LAST_LOOK = 256 * 1024  # bytes, within which all but odd photos state their size
UNKNOWN_TYPE = "application/octet-stream"  # also that of a response without one

# RecursionError: JSON nested 100,000 levels deep. OSError covers the exceptions of requests and timeouts.
FAULTS = (OSError, ValueError, HTTPError, RecursionError)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """The expected kind of response. `knows_enough` gets its beginning until it returns true or raises."""

    media_types: tuple[str, ...]
    max_bytes: int
    knows_enough: Callable[[bytes], bool]


JSON = Kind(("application/json",), MAX_JSON_BYTES, lambda _: True)
# A photo's bytes show its format; the type is not reliable: many file stores send the last one, S3's default.
PHOTO = Kind(("image/", UNKNOWN_TYPE, "binary/octet-stream"), MAX_BYTES, knows_size)


class BadStatus(ValueError):
    """A response without the document; `retry_after` is as in UrlUnavailable."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"status {response.status_code}")
        self.status = response.status_code
        self.retry_after = _retry_after(response)


class Deadline:
    """The time that one click may take, shared by all of its requests."""

    def __init__(self, seconds: float = CLICK_SECONDS) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self._end - time.monotonic())


class Fetcher:
    """Fetches JSON and photos from sites that may be slow, broken or hostile. Safe for threads.

    `trusted` is the address of a site that the operator vouches for, `proxy` that of a proxy to use. Of all
    fetchers with the same file `alone`, in any process, only one fetches at a time.
    All methods raise UrlNotAllowed for an address, also of a redirect, that must not be opened; Overloaded
    at once if `MAX_FETCHES` are under way; MachineFull if memory, sockets or threads have run out; and
    UrlUnavailable for any other failure until the deadline.
    """

    def __init__(self, contact: str, trusted: str = "", proxy: str = "", alone: Path | None = None) -> None:
        self._headers = {"User-Agent": f"ProductImageClassifier/{VERSION} ({contact})"}
        self._trusted = _site(trusted) if trusted else None
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._slots = BoundedSemaphore(MAX_FETCHES)
        self._alone = alone

    def get_json(self, url: str, deadline: Deadline, token: str = "") -> Any:
        """Fetch and decode a JSON document of up to `MAX_JSON_BYTES`; `token` goes to this address alone."""
        headers = self._headers | ({"Authorization": f"Bearer {token}"} if token else {})
        return self._load_json(Request("GET", url, headers=headers), deadline)

    def post_form(self, url: str, form: Mapping[str, str], deadline: Deadline) -> Any:
        """Send a form, which no redirect passes on, and decode the answer as `get_json` does."""
        return self._load_json(Request("POST", url, headers=self._headers, data=form), deadline)

    def get_photo(self, url: str, deadline: Deadline) -> bytes:
        """Fetch the bytes of a photo that is worth decoding; they stay untrusted.

        Also raises TooLarge, TooManyPixels and UnsupportedFormat, as soon as the bytes received show it.
        """
        try:
            return self._fetch(Request("GET", url, headers=self._headers), PHOTO, deadline)
        except FAULTS as error:
            raise _unavailable(error) from error

    def _load_json(self, request: Request, deadline: Deadline) -> Any:
        try:
            return json.loads(self._fetch(request, JSON, deadline))
        except (*FAULTS, TooLarge, UnsupportedFormat) as error:
            raise _unavailable(error) from error

    def _fetch(self, asked: Request, kind: Kind, deadline: Deadline) -> bytes:
        request = _prepare(asked)
        if not deadline.left():
            raise TimeoutError("the time for this click is over")
        # Each fetch has its own thread, because socket timeouts bound neither a slow name server nor headers
        # that arrive byte by byte. At the deadline its connections are cut; the slots bound how many threads
        # a slow name server can leave behind. Nobody waits for a slot: a waiting request would hold one of
        # the site's places, and slow addresses must not fill those. Only fetches that must go alone wait in
        # line, as the etiquette of their source demands; the slots bound that line, too.
        if not self._slots.acquire(blocking=False):
            raise Overloaded
        body: Future[bytes] = Future()
        opened: list[HTTPConnection] = []

        def run() -> None:
            try:
                with FileLock(self._alone, deadline.left()) if self._alone else nullcontext():
                    body.set_result(self._download(request, kind, deadline, opened))
            except Exception as error:
                body.set_exception(error)
            finally:
                self._slots.release()

        try:
            Thread(target=run, name="fetch", daemon=True).start()
        except RuntimeError as error:  # no more threads can start
            self._slots.release()
            raise MachineFull from error
        try:
            return body.result(timeout=deadline.left())
        finally:
            _cut(opened)

    def _download(
        self, request: PreparedRequest, kind: Kind, deadline: Deadline, opened: list[HTTPConnection]
    ) -> bytes:
        # Adapters instead of a Session: they keep no cookies, look for no proxies and no netrc, and follow no
        # redirects. A Session would read the whole body of each redirect, however long.
        for _ in range(1 + MAX_REDIRECTS):
            left = deadline.left()
            timeout = (min(CONNECT_SECONDS, left), min(READ_SECONDS, left))
            with closing(self._adapter(request)) as adapter:
                _note_connections(adapter, opened)
                try:
                    answer = adapter.send(request, stream=True, timeout=timeout, proxies=self._proxies)
                except InvalidIPAddress as error:
                    raise UrlNotAllowed from error
                with answer:
                    if not answer.is_redirect:
                        return _read(answer, kind, deadline)
                    url = urljoin(answer.url, answer.headers["Location"])
                    request = _prepare(Request("GET", url, headers=self._headers))
        raise ValueError(f"more than {MAX_REDIRECTS} redirects")

    def _adapter(self, request: PreparedRequest) -> HTTPAdapter:
        site = _site(request.url or "")
        if site == self._trusted:
            return HTTPAdapter()
        if site[0] != "https":
            raise UrlNotAllowed
        return PublicAdapter()


def _prepare(request: Request) -> PreparedRequest:
    try:
        prepared = request.prepare()
        parts = urlsplit(prepared.url or "")
        has_user = parts.username is not None or parts.password is not None
    except ValueError as error:  # requests raises its InvalidURL, a ValueError, for most bad addresses
        raise UrlNotAllowed from error
    if has_user or len(request.url) > MAX_URL:
        raise UrlNotAllowed
    return prepared


def _note_connections(adapter: HTTPAdapter, opened: list[HTTPConnection]) -> None:
    """Have `adapter` append each connection that it makes to `opened`."""
    find_pool = adapter.get_connection_with_tls_context

    def find(*args: Any, **options: Any) -> Any:
        pool: Any = find_pool(*args, **options)
        make = pool.ConnectionCls

        def connect(**parts: Any) -> HTTPConnection:
            connection: HTTPConnection = make(**parts)
            opened.append(connection)
            return connection

        pool.ConnectionCls = connect
        return pool

    adapter.get_connection_with_tls_context = find  # type: ignore[method-assign]


def _cut(connections: Iterable[HTTPConnection]) -> None:
    """Cut connections that another thread may be reading, below TLS, which would wait to say goodbye."""
    for connection in connections:
        if connection.sock:
            with suppress(OSError):
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _site(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port, which all addresses of a site share."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _read(response: Response, kind: Kind, deadline: Deadline) -> bytes:
    if response.status_code != requests.codes.ok:
        raise BadStatus(response)
    if not response.headers.get("Content-Type", UNKNOWN_TYPE).lower().startswith(kind.media_types):
        raise UnsupportedFormat
    body = bytearray()
    look_at: float = FIRST_LOOK
    while chunk := response.raw.read1(CHUNK, decode_content=True):  # read1: returns what has arrived so far
        body += chunk
        if len(body) > kind.max_bytes:
            raise TooLarge
        if not deadline.left():
            raise TimeoutError("the time for this click is over")
        if look_at <= len(body) <= LAST_LOOK:  # at doubling lengths: all looks together cost twice the last
            look_at = math.inf if kind.knows_enough(bytes(body)) else 2 * len(body)
    return bytes(body)


def _retry_after(response: Response) -> float:
    """Return the seconds for which the server wants no request; it may send seconds or a date."""
    least = REST_SECONDS if response.status_code == requests.codes.too_many_requests else 0.0
    try:
        seconds = Retry().get_retry_after(response.raw) or least
    except InvalidHeader:
        return least
    return min(seconds, MAX_REST_SECONDS)


def _unavailable(error: Exception) -> AppError:
    if tells_of_full_machine(error):
        log.error("the machine is full: %s", type(error).__name__)
        return MachineFull()
    # The address may be a visitor's: the log gets neither it nor the libraries' messages, which quote it.
    quotes = isinstance(error, (requests.RequestException, HTTPError))
    log.warning("nothing usable: %s", type(error).__name__ if quotes else f"{error!r:.200}")
    return UrlUnavailable(retry_after=getattr(error, "retry_after", 0.0))
