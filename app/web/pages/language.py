"""The language switch, which works without a session."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.errors import NotFound
from app.web.languages import COOKIE, LANGUAGES
from app.web.pages.back import remember_and_go_back

bp = Blueprint("language", __name__, url_prefix="/language")


@bp.get("/<code>")
def choose(code: str) -> ResponseReturnValue:
    """Remember a language and go back to the page `back`, a path on this site."""
    if code not in LANGUAGES:
        raise NotFound
    return remember_and_go_back(COOKIE, code)
