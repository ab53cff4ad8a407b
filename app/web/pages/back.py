"""The way back to a page that a form or link names."""

from flask import redirect, request
from werkzeug.wrappers import Response

SECONDS_REMEMBERED = 365 * 24 * 3600


def own_path(path: str) -> str:
    """Return `path` if it leads to a page of this site, else an empty text.

    Browsers read a backslash as a slash and drop tabs and line ends, so both may hide another host.
    """
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_own else ""


def remember_and_go_back(cookie: str, choice: str) -> Response:
    """Remember a choice in a cookie of its own, and go back to the page that the link names."""
    home = f"{request.script_root}/"
    response = redirect(own_path(request.args.get("back", home)) or home, 303)
    response.set_cookie(
        cookie,
        choice,
        SECONDS_REMEMBERED,
        path=home,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response
