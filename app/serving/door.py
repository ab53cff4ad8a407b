"""The door of a process: photos beyond its capacity are refused before they are read.

The worker asks here in its loop, where a refusal must cost next to nothing: no thread, no session, no page
rendered twice. The refusals are counted like all answers, but a flood of them does not fill the log.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import product

from flask import Flask, current_app
from werkzeug.datastructures import LanguageAccept, MIMEAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date, parse_accept_header
from werkzeug.routing import RequestRedirect

from app.errors import AppError, MachineFull, Overloaded
from app.web import headers, languages, logs, metrics
from app.web.error_pages import is_program, show_app_error

KEPT_FIELDS = 256  # of each kind: clients send much the same
MAX_FIELD = 256  # characters; what is longer is not read, as that takes up to 70 ms
PROGRAM, PERSON = KINDS = ("application/json", "text/html")  # who is answered, and how
SECTION = "/classify/"  # of the views that persons meet; its link is marked in the answer
Fault = type[AppError]
CHOSEN = re.compile(rf"; {languages.COOKIE}=({'|'.join(languages.LANGUAGES)})(?:;|$)")  # parse_cookie: 20 ms


class Door:
    """Knows which requests classify photos, and whether the gate has room for one more; safe for threads."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._routes = app.url_map.bind("")
        self._gate = app.extensions["site"].gate
        # Before any is asked for, as the first takes up to 30 ms, for imports and templates.
        kinds = product((Overloaded, MachineFull), languages.LANGUAGES, KINDS)
        self._answers = {each: self._render(*each) for each in kinds}

    @property
    def is_open(self) -> bool:
        """Tell whether there is a place for one more request."""
        return not self._gate.is_full

    def concerns(self, method: str, path: str) -> bool:
        """Tell whether a request would be classified."""
        return getattr(self._app.view_functions.get(self._endpoint(method, path)), "classifies", False)

    def refuse(self, method: str, path: str, fields: dict[str, str], fault: Fault = Overloaded) -> bytes:
        """Return the whole answer to a request for which there is no place, or no room on the disk.

        `fields` are those of its head, named as waitress names them: ACCEPT_LANGUAGE.
        """
        metrics.refused.labels(fault.code).inc()
        metrics.requests.labels(self._endpoint(method, path), fault.status).inc()
        accept, accept_language = (_short(fields.get(name, "")) for name in ("ACCEPT", "ACCEPT_LANGUAGE"))
        chosen = CHOSEN.search(f"; {fields.get('COOKIE', '')}")
        language = chosen[1] if chosen else _negotiate(accept_language)
        head, body = self._answers[fault, language, PROGRAM if is_program(path, _parse(accept)) else PERSON]
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

    def _render(self, fault: Fault, language: str, kind: str) -> tuple[str, bytes]:
        """Render the site's own answer for a kind of client: its head, unfinished, and its body."""
        sent = {"Accept": kind, "Cookie": f"{languages.COOKIE}={language}"}
        with self._app.test_request_context(SECTION, method="POST", headers=sent):
            response = current_app.make_response(show_app_error(fault()))
            response = headers.add_headers(languages.vary(response))
            return f"HTTP/1.1 {response.status}\r\n{_lines(response.headers)}", response.get_data()


def _short(field: str) -> str:
    return field if len(field) <= MAX_FIELD else ""


@lru_cache(KEPT_FIELDS)
def _parse(accept: str) -> MIMEAccept:
    return parse_accept_header(accept, MIMEAccept)


@lru_cache(KEPT_FIELDS)
def _negotiate(accept_language: str) -> str:
    return languages.negotiate(parse_accept_header(accept_language, LanguageAccept))


def _lines(fields: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in fields)


def _text(path: str) -> str:
    """Return a path as text, which WSGI hands on as bytes in Latin-1."""
    return path.encode("latin-1").decode("utf-8", "replace")
