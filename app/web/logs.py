"""Logs in JSON, one line for each event, with the id of its request.

They hold neither what visitors send (photos, file names, parameters) nor who the visitors are.
"""

import logging
import re
import secrets
import time
from typing import Any

from flask import Flask, Response, g, has_request_context, request

from app.settings import Settings

HEADER = "X-Request-ID"
ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")  # cannot forge a line, a header or markup

CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "app.web.logs.RequestId"}},
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.msgspec.MsgspecFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        }
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request"]},
    },
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        "requests_hardened": {"level": "ERROR"},  # lower levels write the hosts that visitors ask for
    },
}

log = logging.getLogger(__name__)


class RequestId(logging.Filter):
    """Adds the id of the current request to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        if has_request_context() and "request_id" in g:
            record.request_id = g.request_id
        return True


def init_app(app: Flask, settings: Settings) -> None:
    app.before_request(begin)
    app.after_request(end)


def begin() -> None:
    """Take over the id that a proxy gave the request, or make one."""
    g.request_id = request_id(request.headers.get(HEADER, ""))
    g.started = time.perf_counter()


def request_id(given: str) -> str:
    """Return `given` if it is acceptable as an id, else a new id."""
    return given if ACCEPTABLE.fullmatch(given) else secrets.token_hex(8)


def end(response: Response) -> Response:
    """Send the id, and write a line of the access log with the route instead of the requested address."""
    response.headers[HEADER] = g.request_id
    if g.get("is_quiet"):
        return response
    log.info(
        "answered",
        extra={
            "method": request.method,
            "route": request.url_rule.rule if request.url_rule else None,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.started) * 1000, 1),
        },
    )
    return response
