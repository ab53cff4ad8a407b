"""Pages that are the same for everybody, and so may be kept: by browsers, by proxies and by the site."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from flask import Flask, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from app.settings import Settings
from app.web.languages import choose_language
from app.web.page_cache import make_page
from app.web.site import site


def init_app(app: Flask, settings: Settings) -> None:
    app.view_functions["static"] = cacheable(app.view_functions["static"])


def depends_on_nothing() -> str:
    return ""


def cacheable(
    view: Callable[..., Any],
    depends_on: Callable[[], str] = depends_on_nothing,
    query: Collection[str] = (),
) -> Callable[..., Response]:
    """Mark a view whose answer depends on the address, the language and what `depends_on` says alone.

    Anybody may keep its pages for a minute, and then ask whether they have changed; so does the site.
    `query` names what the view reads of the query string: an address with anything else in it leads to the
    one without, so that nobody can have the same page rendered again and again.
    """

    @wraps(view)
    def look_up(**arguments: Any) -> Response:
        if set(request.args) - set(query):
            known: dict[str, Any] = {name: request.args.getlist(name) for name in query}
            return redirect(url_for(str(request.endpoint), **(request.view_args or {}), **known))
        pages = site().pages
        key = (request.full_path, choose_language(), depends_on())
        page = pages.get(key)
        if page is None:
            response = make_response(view(**arguments))
            if response.status_code != 200:  # of a file, that the visitor has it or wants a part of it
                return response
            page = make_page(response)
            pages.put(key, page)
        return page.answer()

    return look_up
