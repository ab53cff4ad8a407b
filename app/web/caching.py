"""Pages that are the same for everybody, so browsers, proxies and the site may cache them."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from flask import Flask, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from app.settings import Settings
from app.web.languages import choose_language
from app.web.page_cache import make_page
from app.web.site import site
from app.web.themes import choose_theme


def init_app(app: Flask, settings: Settings) -> None:
    app.view_functions["static"] = cacheable(app.view_functions["static"])


def depends_on_nothing() -> str:
    return ""


def cacheable(
    view: Callable[..., Any],
    depends_on: Callable[[], str] = depends_on_nothing,
    query: Collection[str] = (),
) -> Callable[..., Response]:
    """Mark a view whose answer depends on nothing but the address and what else is named here.

    That is the language, the theme and what `depends_on` returns. Anybody may cache its pages for a minute
    and then ask whether they have changed; the site does the same.
    `query` names the arguments that the view reads. An address with any other argument is redirected to the
    one without it, so that nobody can make the site render the same page again and again.
    """

    @wraps(view)
    def look_up(**arguments: Any) -> Response:
        if set(request.args) - set(query):
            known: dict[str, Any] = {name: request.args.getlist(name) for name in query}
            return redirect(url_for(str(request.endpoint), **(request.view_args or {}), **known))
        pages = site().pages
        path = request.script_root + request.full_path
        key = (path, choose_language(), choose_theme(), depends_on())
        page = pages.get(key)
        if page is None:
            response = make_response(view(**arguments))
            if response.status_code != 200:  # a file that the visitor already has, or a part of one
                return response
            page = make_page(response)
            pages.put(key, page)
        return page.answer()

    return look_up
