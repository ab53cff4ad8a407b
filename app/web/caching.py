"""Pages that are the same for everybody, and so may be kept: by browsers, by proxies and by the site."""

import gzip
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from threading import Lock
from typing import Any

from flask import Flask, current_app, make_response, redirect, request, url_for
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from app.settings import Settings
from app.web.languages import choose_language

MAX_AGE_SECONDS = 60
MAX_PAGES = 128  # kept in memory
PACKABLE = ("text/", "image/svg+xml", "application/json", "application/javascript")
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Page:
    """A page as it was rendered, and the same packed by gzip where that makes it smaller."""

    headers: Headers
    plain: bytes
    packed: bytes
    rendered: float

    def answer(self) -> Response:
        """Answer the present request: with the page, or that what the visitor has is still good."""
        packs = bool(self.packed) and request.accept_encodings.quality("gzip") > 0
        response = Response(self.packed if packs else self.plain, headers=self.headers.copy())
        response.age = timedelta(seconds=time.monotonic() - self.rendered)
        if packs:
            response.headers["Content-Encoding"] = "gzip"
            response.set_etag(f"{response.get_etag()[0]}-gzip")
        return response.make_conditional(request)


class Pages:
    """The pages that were asked for last; safe for threads."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Key, Page] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> Page | None:
        """Return a page that is not older than `MAX_AGE_SECONDS`."""
        page = self._pages.get(key)
        return page if page and time.monotonic() < page.rendered + MAX_AGE_SECONDS else None

    def keep(self, key: Key, page: Page) -> None:
        """Keep a page, and drop the one kept longest of too many."""
        with self._lock:
            self._pages[key] = page
            self._pages.move_to_end(key)
            if len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)


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
        pages: Pages = current_app.extensions.setdefault("pages", Pages())
        key = (request.full_path, choose_language(), depends_on())
        page = pages.get(key)
        if page is None:
            response = make_response(view(**arguments))
            if response.status_code != 200:  # of a file, that the visitor has it or wants a part of it
                return response
            page = _render(response)
            pages.keep(key, page)
        return page.answer()

    return look_up


def _render(response: Response) -> Page:
    response.direct_passthrough = False  # a file is read as a whole
    plain = response.get_data()
    response.close()
    packed = gzip.compress(plain, mtime=0) if (response.mimetype or "").startswith(PACKABLE) else b""
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE_SECONDS
    response.cache_control.no_cache = None
    response.vary.add("Accept-Encoding")
    response.add_etag(overwrite=True)
    headers = Headers(response.headers)
    headers.remove("Content-Length")
    return Page(headers, plain, packed if len(packed) < len(plain) else b"", time.monotonic())
