"""Photos from Open Products Facts and Open Beauty Facts: one API, two hosts.

https://openfoodfacts.github.io/openfoodfacts-server/api/
"""

import re
import secrets
from typing import Any
from urllib.parse import urlencode

from app.errors import UrlUnavailable
from app.recognition.origin import Origin
from app.sources.fetch import Deadline, Fetcher
from app.sources.rates import USUAL
from app.sources.source import Listed, clean_line

PAGE_SIZE = 24
MAX_PAGES = 100  # the service takes long for later pages
LICENCE = "CC BY-SA 3.0"
LICENCE_URL = "https://creativecommons.org/licenses/by-sa/3.0/"


class OpenFacts:
    """A Source: one of the two databases, at `url`, with the name `title`."""

    limits = USUAL

    def __init__(self, name: str, title: str, url: str, fetcher: Fetcher) -> None:
        self.name = name
        self._title = title
        self._url = url
        self._fetcher = fetcher
        self._pages = MAX_PAGES

    def search(self, deadline: Deadline) -> list[Listed]:
        query = {
            "fields": "code,product_name,image_front_url",
            "page_size": PAGE_SIZE,
            "page": 1 + secrets.randbelow(self._pages),
        }
        url = f"{self._url}/api/v2/search?{urlencode(query, safe=',')}"
        match self._fetcher.get_json(url, deadline):
            case {"products": list(products), **others}:
                self._remember_pages(others.get("count"))
                return [listed for row in products if (listed := read_product(row, self._title, self._url))]
        raise UrlUnavailable

    def load(self, listed: Listed, deadline: Deadline) -> bytes:
        return self._fetcher.get_photo(listed.where, deadline)

    def _remember_pages(self, count: Any) -> None:
        if isinstance(count, int):
            self._pages = max(1, min(MAX_PAGES, -(-count // PAGE_SIZE)))


def read_product(row: Any, title: str, url: str) -> Listed | None:
    """Read a product of the database `title`, whose pages are at `url`; None without a name or a picture."""
    match row:
        case {"product_name": str(name), "image_front_url": str(image_url)} if product := clean_line(name):
            code = str(row.get("code"))
            origin = Origin(
                source=title,
                title=product,
                credit=f"{title} contributors",
                licence=LICENCE,
                licence_url=LICENCE_URL,
                page_url=f"{url}/product/{code}" if re.fullmatch("[0-9]{1,24}", code) else "",
            )
            return Listed(re.sub(r"\.(100|200|full)\.jpg$", ".400.jpg", image_url), origin)
    return None
