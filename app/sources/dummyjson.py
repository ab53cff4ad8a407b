"""Product photos from DummyJSON, a service of sample data with 194 products.

https://dummyjson.com/docs/products
"""

import secrets
from typing import Any
from urllib.parse import urlencode

from app.errors import UrlUnavailable
from app.recognition.origin import Origin
from app.sources.fetch import Deadline, Fetcher
from app.sources.rates import USUAL
from app.sources.source import Listed, clean_line

TITLE = "DummyJSON"
PAGE_SIZE = 24
MAX_TOTAL = 10_000


class DummyJson:
    """A Source: consecutive products from a random one on."""

    name = "dummyjson"
    limits = USUAL

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        self._url = url
        self._fetcher = fetcher
        self._total = 194

    def search(self, deadline: Deadline) -> list[Listed]:
        query = {
            "limit": PAGE_SIZE,
            "skip": secrets.randbelow(self._total),
            "select": "id,title,category,thumbnail,images",
        }
        url = f"{self._url}/products?{urlencode(query, safe=',')}"
        match self._fetcher.get_json(url, deadline):
            case {"products": list(products), **others}:
                if isinstance(total := others.get("total"), int):
                    self._total = max(1, min(MAX_TOTAL, total))
                return [listed for row in products if (listed := self._read(row))]
        raise UrlUnavailable

    def load(self, listed: Listed, deadline: Deadline) -> bytes:
        return self._fetcher.get_photo(listed.where, deadline)

    def _read(self, row: Any) -> Listed | None:
        match row:
            case {"title": str(name), "images": [str(image_url), *_]} | {
                "title": str(name),
                "thumbnail": str(image_url),
            } if title := clean_line(name):
                number = row.get("id")
                origin = Origin(
                    source=TITLE,
                    title=title,
                    credit="sample data",
                    licence="no licence stated",
                    page_url=f"{self._url}/products/{number}" if type(number) is int else "",
                )
                return Listed(image_url, origin)
        return None
