"""The host name by which a visitor reached the site. No answer depends on it, so a bad one is ignored."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request

from app.settings import Settings

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
SOME_HOST = "localhost"


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


def redirect_within(response: Response) -> Response:
    """Remove the host from redirects within this site, so that a forged one never reaches a cache."""
    if (response.location or "").startswith(request.host_url):
        parts = urlsplit(response.location or "")
        response.location = parts._replace(scheme="", netloc="").geturl()
    return response
