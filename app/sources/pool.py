"""A stock of photos from one source, so that few clicks cost a search, and a rest for a failing source."""

import logging
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from threading import Lock

from PIL import Image

from app.errors import AppError, Overloaded, UnreadablePhoto, UrlNotAllowed, UrlUnavailable
from app.recognition.origin import Origin
from app.recognition.photos import fingerprint, open_photo
from app.recognition.taxonomy import Category
from app.sources.fetch import CLICK_SECONDS, REST_SECONDS, Deadline
from app.sources.rates import OwnSearchLog, SearchLog
from app.sources.source import Listed, Loader, Source

SEARCHES_A_CLICK = 2  # the first may hit a page beyond the end, or one without photos
PHOTOS_A_CLICK = 3  # tried, as some may turn out unusable
OWN_PHOTOS_A_CLICK = 20  # of a folder: no request is spent on them
MIN_SIDE = 200  # px, of the shorter side
FAILURES = 3  # in a row, after which a source rests
FAIR_SECONDS = 1.0  # a source that had less time than this is not to blame for failing

Decode = Callable[[bytes], Image.Image]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wish:
    """A photo of any of `categories`; if it is not `exact`, one of anything else will do."""

    categories: Sequence[Category] = ()
    exact: bool = False


ANY = Wish()


@dataclass(frozen=True)
class FoundPhoto:
    """A decoded photo from the web or the operator's folder, the seconds of its decoding, and its origin.

    `asked` is the category that the source was asked for, if it was.
    """

    picture: Image.Image
    origin: Origin
    decoding: float
    asked: Category | None = None


@dataclass(frozen=True)
class Taken:
    """A photo taken from a stock, and the category that it was found by.

    `at_end` tells that the stock has run out with it, or had run out before, so that it took a search.
    """

    listed: Listed
    asked: Category | None = None
    at_end: bool = False


class SourceFault(Exception):
    """A source gives no photo for this click; `outcome` is the label under which that is counted.

    `repeated` is a photo that the visitor has already seen, for want of another.
    """

    def __init__(self, outcome: str, repeated: FoundPhoto | None = None) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.repeated = repeated


class Breaker:
    """Lets a source rest if it has failed `FAILURES` times in a row or has asked for a rest."""

    def __init__(self) -> None:
        self._failures = 0
        self._rests_until = 0.0

    def rests(self) -> bool:
        return time.monotonic() < self._rests_until

    def worked(self) -> None:
        self._failures = 0

    def failed(self, retry_after: float) -> None:
        """Count a failure; `retry_after` is the rest that the source asked for, in seconds, or 0."""
        self._failures += 1
        rest = REST_SECONDS if self._failures >= FAILURES else 0.0
        self._rests_until = max(self._rests_until, time.monotonic() + max(rest, retry_after))


class BasePool:
    """Decodes photos of one source, passes over what is unusable or seen, and lets a failing source rest.

    If `searches` is None, the source may be searched without limit. `decode` works like `open_photo`. No
    click waits longer than `patience`, in seconds, or meets more than `tries` unusable photos. Safe for
    threads.
    """

    by_category = False  # whether it can be asked for a category

    def __init__(
        self,
        source: Loader,
        searches: SearchLog | None,
        decode: Decode = open_photo,
        patience: float = CLICK_SECONDS,
        tries: int = PHOTOS_A_CLICK,
    ) -> None:
        self.name = source.name
        self.patience = patience
        self._tries = tries
        self._loader = source
        self._own_searches = OwnSearchLog()
        self._searches = searches
        self._decode = decode
        self._breaker = Breaker()
        self._lock = Lock()  # lets one search serve all clicks that wait

    def photo(self, seen: Collection[str], deadline: Deadline, wish: Wish = ANY) -> FoundPhoto:
        """Return a random usable photo whose fingerprint is not in `seen`. Raises SourceFault.

        Outcomes: resting, limited (no search left for now), busy (others fetch), failed or unusable.
        """
        if self._breaker.rests():
            raise SourceFault("resting")
        had_time = deadline.left() >= FAIR_SECONDS
        repeated: list[FoundPhoto] = []
        try:
            found = self._find(seen, repeated, deadline, wish)
        except SourceFault as fault:
            raise SourceFault(fault.outcome, *repeated[:1]) from fault
        except Overloaded as error:  # not the source's fault
            raise SourceFault("busy", *repeated[:1]) from error
        except (UrlUnavailable, UrlNotAllowed) as error:
            retry_after = getattr(error, "retry_after", 0.0)
            if had_time or retry_after:
                self._breaker.failed(retry_after)
            raise SourceFault("failed", *repeated[:1]) from error
        self._breaker.worked()
        return found

    def _find(
        self, seen: Collection[str], repeated: list[FoundPhoto], deadline: Deadline, wish: Wish
    ) -> FoundPhoto:
        """Find a photo as `photo` does, and append photos that the visitor has seen to `repeated`."""
        faults: list[AppError] = []
        ends = 0  # how often the stock has run out
        while len(faults) < self._tries and deadline.left():
            taken = self._take(wish, deadline)
            try:
                data = self._loader.load(taken.listed, deadline)
                started = time.perf_counter()
                picture = self._open(data)
                decoding = time.perf_counter() - started
            except AppError as error:
                if isinstance(error, Overloaded) or getattr(error, "retry_after", 0.0) > 0:
                    raise
                log.warning("%s: skipped a photo: %s", self.name, error.code)
                faults.append(error)
                continue
            found = FoundPhoto(picture, taken.listed.origin, decoding, taken.asked)
            if fingerprint(picture) not in seen:
                return found
            repeated.append(found)
            ends += taken.at_end
            if ends > 1:  # a search of this click listed only photos already seen
                break
        if faults and isinstance(faults[-1], UrlUnavailable) and not repeated:
            raise faults[-1]
        raise SourceFault("unusable")

    def _take(self, wish: Wish, deadline: Deadline) -> Taken:
        """Take a photo from the stock, filled by a search if need be. Raises as `photo` and the source do."""
        raise NotImplementedError

    def _may_search(self) -> bool:
        """Count a search if this process, which keeps the limits even alone, and all together may make it."""
        logs = (self._own_searches, self._searches) if self._searches else ()
        return all(log.admit(self.name, self._loader.limits) for log in logs)

    def _open(self, data: bytes) -> Image.Image:
        picture = self._decode(data)
        if min(picture.size) < MIN_SIDE:
            raise UnreadablePhoto("This picture is too small.")
        return picture


class Pool(BasePool):
    """Serves photos of one source from a stock in this process."""

    def __init__(
        self,
        source: Source,
        searches: SearchLog | None,
        decode: Decode = open_photo,
        patience: float = CLICK_SECONDS,
        tries: int = PHOTOS_A_CLICK,
    ) -> None:
        super().__init__(source, searches, decode, patience, tries)
        self._source = source
        self._stock: list[Listed] = []

    def _take(self, _wish: Wish, deadline: Deadline) -> Taken:
        if not self._lock.acquire(timeout=deadline.left()):
            raise UrlUnavailable
        try:
            for _ in range(SEARCHES_A_CLICK):
                self._stock = self._stock or self._search(deadline)
            if not self._stock:
                raise SourceFault("unusable")
            listed = self._stock.pop(secrets.randbelow(len(self._stock)))
            return Taken(listed, at_end=not self._stock)
        finally:
            self._lock.release()

    def _search(self, deadline: Deadline) -> list[Listed]:
        if not self._may_search():
            raise SourceFault("limited")
        return self._source.search(deadline)
