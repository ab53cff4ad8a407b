"""Pages that are kept in memory, as they were rendered."""

import gzip
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from flask import request
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

MAX_AGE_SECONDS = 60
PACKABLE = ("text/", "image/svg+xml", "application/json", "application/javascript")
MAX_PAGES = 128  # kept in memory
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


def keep_response(response: Response) -> Page:
    """Make of an answer the page that is kept, with the headers that let others keep it."""
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
