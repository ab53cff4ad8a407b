"""Photos of products that are not food, from the volunteers of Open Products Facts.

https://openfoodfacts.github.io/openfoodfacts-server/api/ (one API for the food and the products database)
"""

import logging
import re
import secrets
import time
import unicodedata
from collections import deque
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from app.errors import AppError, SourceUnavailable, UnreadablePhoto
from app.history.store import Origin
from app.recognition.photos import open_photo
from app.sources.fetch import CLICK_SECONDS, Deadline, Fetcher
from app.sources.source import FoundPhoto

PAGE_SIZE = 24
MAX_PAGES = 100  # deeper pages take the service long
MAX_SEARCHES = 10  # in any window of WINDOW_SECONDS: the service's limit for one address
WINDOW_SECONDS = 60.0
SEARCHES_A_CLICK = 2  # the first may hit a page beyond the end, or one without pictures
PHOTOS_A_CLICK = 3
MIN_SIDE = 200  # px, of the longer side
MAX_TITLE = 200  # characters

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Product:
    """A product as a search lists it; `code` is its bar code, or empty when that is not a number."""

    code: str
    title: str
    image_url: str


class OpenProductsFacts:
    """A source that fills a pool of products by a search and serves clicks from it. Safe for threads."""

    def __init__(self, url: str, fetcher: Fetcher, click_seconds: float = CLICK_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._fetcher = fetcher
        self._click_seconds = click_seconds
        self._lock = Lock()  # guards all below, and lets one search serve the clicks that wait for it
        self._pool: list[Product] = []
        self._pages = MAX_PAGES
        self._searches: deque[float] = deque(maxlen=MAX_SEARCHES)

    def random_photo(self) -> FoundPhoto:
        """Fetch the photo of a random product. Raises SourceUnavailable when none could be had in time."""
        deadline = Deadline(self._click_seconds)
        for _ in range(PHOTOS_A_CLICK):
            product = self._take(deadline)
            try:
                data = self._fetcher.get_photo(product.image_url, deadline)
                _check_photo(data)
            except AppError as error:
                log.warning("skipped the photo of product %r: %s", product.code, error.code)
            else:
                return FoundPhoto(data, self._origin(product))
        raise SourceUnavailable

    def _take(self, deadline: Deadline) -> Product:
        if not self._lock.acquire(timeout=deadline.left()):
            raise SourceUnavailable
        try:
            for _ in range(SEARCHES_A_CLICK):
                self._pool = self._pool or self._search(deadline)
            if not self._pool:
                log.warning("no product with a picture in %d searches", SEARCHES_A_CLICK)
                raise SourceUnavailable
            return self._pool.pop(secrets.randbelow(len(self._pool)))
        finally:
            self._lock.release()

    def _search(self, deadline: Deadline) -> list[Product]:
        self._count_search()
        query = {
            "fields": "code,product_name,image_front_url",
            "page_size": PAGE_SIZE,
            "page": 1 + secrets.randbelow(self._pages),
        }
        url = f"{self._url}/api/v2/search?{urlencode(query, safe=',')}"
        answer = self._fetcher.get_json(url, deadline)
        if not isinstance(answer, dict) or not isinstance(listed := answer.get("products"), list):
            log.warning("the answer to a search has no list of products")
            raise SourceUnavailable
        if isinstance(count := answer.get("count"), int):
            self._pages = max(1, min(MAX_PAGES, -(-count // PAGE_SIZE)))
        return [product for row in listed if (product := read_product(row))]

    def _count_search(self) -> None:
        now = time.monotonic()
        if len(self._searches) == MAX_SEARCHES and now - self._searches[0] < WINDOW_SECONDS:
            log.warning("not searched: %d searches in %g s are used up", MAX_SEARCHES, WINDOW_SECONDS)
            raise SourceUnavailable
        self._searches.append(now)

    def _origin(self, product: Product) -> Origin:
        return Origin(
            source="Open Products Facts",
            title=product.title,
            credit="Open Products Facts contributors",
            licence="CC BY-SA 3.0",
            page_url=f"{self._url}/product/{product.code}" if product.code else "",
        )


def read_product(row: Any) -> Product | None:
    """Read one product of a search's answer; None for one without a name or a picture."""
    match row:
        case {"product_name": str(name), "image_front_url": str(image_url)}:
            code, title = str(row.get("code")), clean_title(name)
            if title and image_url.startswith(("https://", "http://")):
                return Product(
                    code=code if re.fullmatch("[0-9]{1,24}", code) else "",
                    title=title,
                    image_url=re.sub(r"\.(100|200|full)\.jpg$", ".400.jpg", image_url),
                )
    return None


def clean_title(name: str) -> str:
    """Put a title on one line, without control, bidi or surrogate characters, cut to `MAX_TITLE`."""
    line = " ".join(name.split())
    visible = (letter for letter in line if not unicodedata.category(letter).startswith("C"))
    return "".join(islice(visible, MAX_TITLE)).strip()


def _check_photo(data: bytes) -> None:
    if max(open_photo(data).size) < MIN_SIDE:
        raise UnreadablePhoto("This picture is too small.")
