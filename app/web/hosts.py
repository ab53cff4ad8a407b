"""The host name and the path prefix by which a visitor reached the site. What can be neither is ignored."""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request

from app.settings import Settings

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
SOME_HOST = "localhost"
PREFIX = "HTTP_X_FORWARDED_PREFIX"
GOOD_PREFIX = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9._~-]{1,100}){1,8}")  # no other host, as in //evil, no ..


def init_app(app: Flask, settings: Settings) -> None:
    app.wsgi_app = ignore_bad_host(app.wsgi_app)  # type: ignore[assignment,method-assign]
    app.after_request(redirect_within)


def ignore_bad_host(wsgi_app: WsgiApp) -> WsgiApp:
    """Replace an impossible Host, such as a..b: Werkzeug would fail on it before any view runs."""

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            environ.get("HTTP_HOST", "").encode("idna")
        except UnicodeError:
            environ["HTTP_HOST"] = SOME_HOST
        return wsgi_app(environ, start_response)

    return call


def ignore_bad_prefix(wsgi_app: WsgiApp) -> WsgiApp:
    """Pass on only the prefix of the nearest proxy, and only one with which links stay on this host."""

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        prefix = environ.pop(PREFIX, "").rpartition(",")[2].strip().rstrip("/")
        if GOOD_PREFIX.fullmatch(prefix):
            environ[PREFIX] = prefix
        return wsgi_app(environ, start_response)

    return call


def redirect_within(response: Response) -> Response:
    """Remove the host from redirects within this site, so that a forged one never reaches a cache."""
    if (target := response.location) and target.startswith(request.host_url):
        parts = urlsplit(target)
        response.location = parts._replace(scheme="", netloc="").geturl()
    return response
