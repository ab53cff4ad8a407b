"""The door of a process: photos beyond its capacity are refused before they are read.

The worker asks here in its loop, where a refusal must cost next to nothing: no thread, no session, no page
rendered twice. The refusals are counted like all answers, but a flood of them does not fill the log.
"""

import threading
from collections.abc import Iterable
from functools import lru_cache

from flask import Flask, current_app
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date, parse_cookie
from werkzeug.routing import RequestRedirect

from app import headers, languages, logs, metrics
from app.error_pages import show_app_error
from app.errors import Overloaded
from app.settings import PLACES

KEPT_ANSWERS = 256  # one for each page, language and kind of answer that clients ask for
DECIDING = ("ACCEPT", "ACCEPT_LANGUAGE")  # what an answer depends on besides the path and a cookie
KINDS = ("application/json", "text/html")  # of answers


class Door:
    """Knows which requests classify photos, and how many of them are inside; safe for threads."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._routes = app.url_map.bind("")
        self._free = PLACES
        self._lock = threading.Lock()
        self._render = lru_cache(KEPT_ANSWERS)(self._render_anew)
        for kind in KINDS:  # the first of each takes up to 30 ms, for imports and templates
            self._render_anew("/", "", kind, "")

    @property
    def is_open(self) -> bool:
        """Tell whether there is a place for one more request."""
        return self._free > 0

    def concerns(self, method: str, path: str) -> bool:
        """Tell whether a request would be classified."""
        return getattr(self._app.view_functions.get(self._endpoint(method, path)), "classifies", False)

    def enter(self) -> None:
        """Take a place."""
        with self._lock:
            self._free -= 1

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            self._free += 1

    def refuse(self, method: str, path: str, fields: dict[str, str]) -> bytes:
        """Return the whole answer to a request for which there is no place.

        `fields` are those of its head, named as waitress names them: ACCEPT_LANGUAGE.
        """
        metrics.refused.labels("overloaded").inc()
        metrics.requests.labels(self._endpoint(method, path), Overloaded.status).inc()
        chosen = parse_cookie(fields.get("COOKIE", "")).get(languages.COOKIE)
        language = chosen if chosen in languages.LANGUAGES else ""
        head, body = self._render(_text(path), language, *(fields.get(name, "") for name in DECIDING))
        own = {
            logs.HEADER: logs.request_id(fields.get("X_REQUEST_ID", "")),
            "Date": http_date(),
            "Connection": "close",
        }
        return f"{head}{_lines(own.items())}\r\n".encode("latin-1") + body

    def _endpoint(self, method: str, path: str) -> str:
        try:
            return str(self._routes.match(_text(path), method)[0])
        except (HTTPException, RequestRedirect):
            return ""

    def _render_anew(self, path: str, language: str, accept: str, accept_language: str) -> tuple[str, bytes]:
        """Render the site's own answer for a kind of client: its head, unfinished, and its body."""
        cookie = f"{languages.COOKIE}={language}"
        sent = {"Accept": accept, "Accept-Language": accept_language, "Cookie": cookie}
        with self._app.test_request_context(path, method="POST", headers=sent):
            response = current_app.make_response(show_app_error(Overloaded()))
            response = headers.add_headers(languages.vary(response))
            return f"HTTP/1.1 {response.status}\r\n{_lines(response.headers)}", response.get_data()


def _lines(fields: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in fields)


def _text(path: str) -> str:
    """Return a path as text, which WSGI hands on as bytes in Latin-1."""
    return path.encode("latin-1").decode("utf-8", "replace")
