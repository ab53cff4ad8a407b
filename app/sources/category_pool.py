"""Photos of a category from a source that is searched by words, served from a stock of all processes."""

import secrets
from collections.abc import Sequence

from app.errors import Overloaded, UrlNotAllowed, UrlUnavailable
from app.recognition.photos import open_photo
from app.recognition.taxonomy import Category
from app.sources.fetch import Deadline
from app.sources.openverse import Openverse
from app.sources.pool import FAIR_SECONDS, BasePool, Breaker, Decode, SourceFault, Taken, Wish
from app.sources.rates import SearchLog
from app.sources.source import Listed
from app.sources.stock import Stock
from app.sources.words import search_words


class CategoryPool(BasePool):
    """Draws a category and serves a photo of it, or of another one while the source cannot be searched.

    While searches rest, after failures or a 429, the stock is still served.
    """

    by_category = True

    def __init__(
        self, source: Openverse, searches: SearchLog, stock: Stock, decode: Decode = open_photo
    ) -> None:
        super().__init__(source, searches, decode)
        self._source = source
        self._stock = stock
        self._search_breaker = Breaker()

    def _take(self, wish: Wish, deadline: Deadline) -> Taken:
        drawn = secrets.choice(wish.categories)
        if taken := self._from_stock([drawn]):
            return taken
        try:
            return self._from_search(drawn, deadline)
        except SourceFault:
            if not wish.exact and (taken := self._from_stock(wish.categories)):
                return taken
            raise

    def _from_stock(self, categories: Sequence[Category]) -> Taken | None:
        by_words = {search_words(category): category for category in categories}
        found = self._stock.take(list(by_words))
        return Taken(found[1], by_words[found[0]]) if found else None

    def _from_search(self, category: Category, deadline: Deadline) -> Taken:
        if not self._lock.acquire(timeout=deadline.left()):
            raise SourceFault("busy")
        try:  # a click that waited finds in the stock what the one before it has searched for
            stocked = self._from_stock([category])
            return stocked or Taken(self._search(category, deadline), category, at_end=True)
        finally:
            self._lock.release()

    def _search(self, category: Category, deadline: Deadline) -> Listed:
        """Search the next page, put what it lists into the stock, and return one of it."""
        words = search_words(category)
        page = self._stock.next_page(words)
        if not page:
            raise SourceFault("unusable")
        if self._search_breaker.rests() or self._stock.rests():
            raise SourceFault("resting")
        if not self._may_search():
            raise SourceFault("limited")
        had_time = deadline.left() >= FAIR_SECONDS
        try:
            found = self._source.search(words, page, deadline)
        except Overloaded as error:
            raise SourceFault("busy") from error
        except (UrlUnavailable, UrlNotAllowed) as error:
            self._note_failure(had_time, getattr(error, "retry_after", 0.0))
            if page > 1:  # perhaps there is no such page any more
                self._stock.put(words, [], page, page)
            raise SourceFault("failed") from error
        self._search_breaker.worked()
        if not found.photos:  # of a later page: begin again; of the first: there is nothing
            self._stock.put(words, [], page, page if page > 1 else 0)
            raise SourceFault("unusable")
        chosen = found.photos.pop(secrets.randbelow(len(found.photos)))
        self._stock.put(words, found.photos, page, found.pages)
        return chosen

    def _note_failure(self, had_time: bool, retry_after: float) -> None:
        if retry_after:
            self._stock.rest(retry_after)
        if had_time or retry_after:
            self._search_breaker.failed(retry_after)
