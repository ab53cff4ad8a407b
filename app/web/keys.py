"""Whether the client of the API has a key, where the operator gives keys."""

from flask import Flask, g, request

from app.errors import NoKey, UnknownKey
from app.keys import find_key
from app.settings import Settings
from app.web.marks import is_marked
from app.web.rate_limits import count_page
from app.web.site import site

SCHEME = "bearer"


def init_app(app: Flask, settings: Settings) -> None:
    if settings.api_keys:
        app.before_request(check_key)


def check_key() -> None:
    """Let only holders of a key call what needs one. Raises NoKey and UnknownKey.

    This runs before anything reads the body. What is wrong counts as a page, so that nobody guesses for free.
    """
    if not is_marked("keyed"):
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    has_key = scheme.lower() == SCHEME and bool(given.strip())
    key = find_key(site().settings.api_keys, given.strip()) if has_key else None
    if key is None:
        count_page()
        raise UnknownKey if has_key else NoKey
    g.api_key = key
