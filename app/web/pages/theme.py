"""The switch between light and dark, which works without a session and without script."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.errors import NotFound
from app.web.pages.back import remember_and_go_back
from app.web.themes import COOKIE, THEMES

bp = Blueprint("theme", __name__, url_prefix="/theme")


@bp.get("/<code>")
def choose(code: str) -> ResponseReturnValue:
    """Remember a theme and go back to the page `back`, a path on this site."""
    if code not in THEMES:
        raise NotFound
    return remember_and_go_back(COOKIE, code)
