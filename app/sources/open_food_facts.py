"""Photos of food from Open Food Facts, by its search engine search-a-licious.

https://openfoodfacts.github.io/search-a-licious/
"""

import secrets
from typing import Any
from urllib.parse import urlencode

from app.errors import UrlUnavailable
from app.sources.fetch import Deadline, Fetcher
from app.sources.open_facts import read_product
from app.sources.rates import USUAL
from app.sources.source import Listed

TITLE = "Open Food Facts"
PRODUCTS_URL = "https://world.openfoodfacts.org"
PAGE_SIZE = 24
MAX_PAGES = 20
FOODS = (
    "beer",
    "breakfast cereals",
    "chocolate",
    "coffee",
    "crisps",
    "fruit juice",
    "honey",
    "jam",
    "pasta",
    "rice",
    "tea",
    "yogurt",
)


class OpenFoodFacts:
    """A Source: products found by the name of a food."""

    name = "open-food-facts"
    limits = USUAL

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        self._url = url
        self._fetcher = fetcher
        self._pages: dict[str, int] = {}

    def search(self, deadline: Deadline) -> list[Listed]:
        food = secrets.choice(FOODS)
        query = {
            "q": food,
            "fields": "code,product_name,image_front_url",
            "page_size": PAGE_SIZE,
            "page": 1 + secrets.randbelow(self._pages.get(food, 1)),
        }
        url = f"{self._url}/search?{urlencode(query, safe=',')}"
        match self._fetcher.get_json(url, deadline):
            case {"hits": list(hits), **others}:
                self._remember_pages(food, others.get("page_count"))
                return [listed for hit in hits if (listed := read_product(hit, TITLE, PRODUCTS_URL))]
        raise UrlUnavailable

    def load(self, listed: Listed, deadline: Deadline) -> bytes:
        return self._fetcher.get_photo(listed.where, deadline)

    def _remember_pages(self, food: str, count: Any) -> None:
        if isinstance(count, int):
            self._pages[food] = max(1, min(MAX_PAGES, count))
