"""Rendered pages that the site sends again."""

import gzip
import time
from dataclasses import dataclass
from datetime import timedelta

from flask import request
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from app.web.recent import Recent

MAX_AGE_SECONDS = 60
PACKABLE = ("text/", "image/svg+xml", "application/json", "application/javascript")
MAX_PAGES = 128  # in memory


@dataclass(frozen=True)
class Page:
    """A rendered page, also compressed by gzip if that makes it smaller."""

    headers: Headers
    plain: bytes
    packed: bytes
    rendered: float

    def answer(self) -> Response:
        """Answer the current request with the page, or with 304 if the visitor has it already."""
        packs = bool(self.packed) and request.accept_encodings.quality("gzip") > 0
        response = Response(self.packed if packs else self.plain, headers=self.headers.copy())
        response.age = timedelta(seconds=time.monotonic() - self.rendered)
        if packs:
            response.headers["Content-Encoding"] = "gzip"
            response.set_etag(f"{response.get_etag()[0]}-gzip")
        return response.make_conditional(request)


Pages = Recent[tuple[str, str, str, str], Page]


def make_page(response: Response) -> Page:
    """Make a page to send again, with the headers that let others cache it."""
    response.direct_passthrough = False  # reads a file whole
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
