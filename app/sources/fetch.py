"""The only code of the site that opens a URL: bounded in time, bytes and redirects."""

import json
import logging
import time
from concurrent.futures import Future
from contextlib import closing
from threading import BoundedSemaphore, Thread
from typing import Any
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from app.errors import SourceUnavailable
from app.recognition.photos import MAX_BYTES

VERSION = "0.1.0"  # a test holds it equal to the one in pyproject.toml
CONNECT_SECONDS = 2.0
READ_SECONDS = 4.0
CLICK_SECONDS = 6.0
MAX_REDIRECTS = 3
MAX_JSON_BYTES = 1024 * 1024
MAX_FETCHES = 8  # at the same time in one process
CHUNK = 64 * 1024

# RecursionError: JSON nested a hundred thousand deep. OSError covers requests' own exceptions and timeouts.
FAULTS = (OSError, ValueError, HTTPError, RecursionError)

log = logging.getLogger(__name__)


class Deadline:
    """The time that one click may take, shared by all requests it causes."""

    def __init__(self, seconds: float = CLICK_SECONDS) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, 0 when there are none."""
        return max(0.0, self._end - time.monotonic())


class Fetcher:
    """Fetches JSON and photos from sites that may be slow, broken or hostile. Safe for threads.

    Both methods raise SourceUnavailable for whatever goes wrong, at the latest when the deadline
    ends, and log the reason.
    """

    def __init__(self, contact: str) -> None:
        self._headers = {"User-Agent": f"ProductImageClassifier/{VERSION} ({contact})"}
        self._slots = BoundedSemaphore(MAX_FETCHES)

    def get_json(self, url: str, deadline: Deadline) -> Any:
        """Fetch and decode a JSON document of up to `MAX_JSON_BYTES`."""
        try:
            return json.loads(self._get(url, "application/json", MAX_JSON_BYTES, deadline))
        except FAULTS as error:
            raise _unavailable(url, error) from error

    def get_photo(self, url: str, deadline: Deadline) -> bytes:
        """Fetch the bytes of what calls itself a picture, up to `MAX_BYTES`; they stay untrusted."""
        try:
            return self._get(url, "image/", MAX_BYTES, deadline)
        except FAULTS as error:
            raise _unavailable(url, error) from error

    def _get(self, url: str, media_type: str, max_bytes: int, deadline: Deadline) -> bytes:
        # In a thread of its own, because socket timeouts bound neither a slow name server nor headers
        # that arrive one byte at a time; the slots bound how many such threads can be left behind.
        if not self._slots.acquire(timeout=deadline.left()):
            raise TimeoutError("all slots for fetching are taken")
        body: Future[bytes] = Future()

        def run() -> None:
            try:
                body.set_result(_download(url, self._headers, media_type, max_bytes, deadline))
            except Exception as error:
                body.set_exception(error)
            finally:
                self._slots.release()

        Thread(target=run, name="fetch", daemon=True).start()
        return body.result(timeout=deadline.left())


def _download(
    url: str, headers: dict[str, str], media_type: str, max_bytes: int, deadline: Deadline
) -> bytes:
    # An adapter instead of a Session: it keeps no cookies, looks for no proxies and no netrc, and does not
    # follow redirects, for which a Session would first read the whole body of each, however long.
    with closing(HTTPAdapter()) as adapter:
        for _ in range(1 + MAX_REDIRECTS):
            request = requests.Request("GET", url, headers=headers).prepare()
            left = deadline.left()
            timeout = (min(CONNECT_SECONDS, left), min(READ_SECONDS, left))
            with adapter.send(request, stream=True, timeout=timeout) as response:
                if not response.is_redirect:
                    _check(response, media_type)
                    return _read(response, max_bytes, deadline)
                url = urljoin(url, response.headers["Location"])
    raise requests.TooManyRedirects(f"more than {MAX_REDIRECTS} redirects")


def _check(response: requests.Response, media_type: str) -> None:
    if response.status_code != requests.codes.ok:
        raise requests.HTTPError(f"status {response.status_code}")
    if not (given := response.headers.get("Content-Type", "")).lower().startswith(media_type):
        raise ValueError(f"{given!r} instead of {media_type}")


def _read(response: requests.Response, max_bytes: int, deadline: Deadline) -> bytes:
    body = bytearray()
    while chunk := response.raw.read1(CHUNK, decode_content=True):  # read1: whatever has arrived so far
        body += chunk
        if len(body) > max_bytes:
            raise ValueError(f"more than {max_bytes} bytes")
        if not deadline.left():
            raise TimeoutError("the time for this click is over")
    return bytes(body)


def _unavailable(url: str, error: Exception) -> SourceUnavailable:
    log.warning("nothing usable from %.200r: %.300r", url, error)
    return SourceUnavailable()
