"""The switch between languages, which works without a session."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from app.errors import NotFound
from app.languages import COOKIE, LANGUAGES

bp = Blueprint("language", __name__, url_prefix="/language")
SECONDS_REMEMBERED = 365 * 24 * 3600


@bp.get("/<code>")
def choose(code: str) -> ResponseReturnValue:
    """Remember a language and go back to the page `back`, a path on this site."""
    if code not in LANGUAGES:
        raise NotFound
    back = request.args.get("back", "/")
    response = redirect(back if _is_path(back) else "/", 303)
    response.set_cookie(
        COOKIE, code, SECONDS_REMEMBERED, secure=request.is_secure, httponly=True, samesite="Lax"
    )
    return response


def _is_path(address: str) -> bool:
    """Tell a path on this site from what a browser takes for another one; it drops tabs and line ends."""
    return address.isprintable() and address.startswith("/") and not address.startswith(("//", "/\\"))
