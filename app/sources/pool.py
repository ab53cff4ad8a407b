"""A stock of photos from one source, so that few clicks cost a search, and a rest for a failing source."""

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Lock

from PIL import Image

from app.errors import AppError, Overloaded, UnreadablePhoto, UrlNotAllowed, UrlUnavailable
from app.recognition.origin import Origin
from app.recognition.photos import fingerprint, open_photo
from app.sources.fetch import REST_SECONDS, Deadline
from app.sources.rates import SEARCHES, WINDOW_SECONDS, SearchLog
from app.sources.source import Listed, Source

SEARCHES_A_CLICK = 2  # the first may hit a page beyond the end, or one without photos
PHOTOS_A_CLICK = 3  # tried, as some may turn out unusable
MIN_SIDE = 200  # px, of the shorter side
FAILURES = 3  # in a row, after which a source rests
FAIR_SECONDS = 1.0  # a source that had less time than this is not to blame for failing

Decode = Callable[[bytes], Image.Image]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundPhoto:
    """A decoded photo from the web or the operator's folder, the seconds of its decoding, and its origin."""

    picture: Image.Image
    origin: Origin
    decoding: float


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


class Pool:
    """Serves photos of one source from a stock, and refills it by searches. Safe for threads.

    If `searches` is None, the source may be searched without limit. `decode` works like `open_photo`.
    """

    def __init__(self, source: Source, searches: SearchLog | None, decode: Decode = open_photo) -> None:
        self.name = source.name
        self._source = source
        self._searches = searches
        self._decode = decode
        self._breaker = Breaker()
        self._lock = Lock()  # guards the stock, and lets one search serve all clicks that wait
        self._stock: list[Listed] = []
        self._times: deque[float] = deque(maxlen=SEARCHES)

    def photo(self, seen: Collection[str], deadline: Deadline) -> FoundPhoto:
        """Return a random usable photo whose fingerprint is not in `seen`. Raises SourceFault.

        Outcomes: resting, limited (no search left in this minute), busy (others fetch), failed or unusable.
        """
        if self._breaker.rests():
            raise SourceFault("resting")
        had_time = deadline.left() >= FAIR_SECONDS
        repeated: list[FoundPhoto] = []
        try:
            found = self._find(seen, repeated, deadline)
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

    def _find(self, seen: Collection[str], repeated: list[FoundPhoto], deadline: Deadline) -> FoundPhoto:
        """Find a photo as `photo` does, and append photos that the visitor has seen to `repeated`."""
        faults: list[AppError] = []
        ends = 0  # how often the stock has run out
        while len(faults) < PHOTOS_A_CLICK and deadline.left():
            listed = self._take(deadline)
            try:
                data = self._source.load(listed, deadline)
                started = time.perf_counter()
                found = FoundPhoto(self._open(data), listed.origin, time.perf_counter() - started)
            except AppError as error:
                if isinstance(error, Overloaded) or getattr(error, "retry_after", 0.0) > 0:
                    raise
                log.warning("%s: skipped a photo: %s", self.name, error.code)
                faults.append(error)
                continue
            if fingerprint(found.picture) not in seen:
                return found
            repeated.append(found)
            ends += not self._stock
            if ends > 1:  # a search of this click listed only photos already seen
                break
        if faults and isinstance(faults[-1], UrlUnavailable) and not repeated:
            raise faults[-1]
        raise SourceFault("unusable")

    def _take(self, deadline: Deadline) -> Listed:
        if not self._lock.acquire(timeout=deadline.left()):
            raise UrlUnavailable
        try:
            for _ in range(SEARCHES_A_CLICK):
                self._stock = self._stock or self._search(deadline)
            if not self._stock:
                raise SourceFault("unusable")
            return self._stock.pop(secrets.randbelow(len(self._stock)))
        finally:
            self._lock.release()

    def _search(self, deadline: Deadline) -> list[Listed]:
        if self._searches and not self._may_search(self._searches):
            raise SourceFault("limited")
        return self._source.search(deadline)

    def _may_search(self, searches: SearchLog) -> bool:
        """Count a search in this process, which keeps the limit even alone, and across all processes."""
        now = time.monotonic()
        if len(self._times) == SEARCHES and now - self._times[0] < WINDOW_SECONDS:
            return False
        if not searches.admit(self.name):
            return False
        self._times.append(now)
        return True

    def _open(self, data: bytes) -> Image.Image:
        picture = self._decode(data)
        if min(picture.size) < MIN_SIDE:
            raise UnreadablePhoto("This picture is too small.")
        return picture
