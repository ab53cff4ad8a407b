"""The gate of a process: how many photos are inside, and whose turn it is to be decoded."""

from collections import Counter, deque
from threading import Lock, local

from app.errors import Overloaded

PLACES = 64  # requests with photos in a process: those being answered and those that wait
SHARE = 4  # a quarter of the places; a visitor who holds as many gets none of the last ones
RESERVE = 8  # an eighth of the places: the last ones
MOST_TURNS = 2  # photos decoded at a time on any number of cores: 25 megapixels of WebP take 384 MB


class Gate:
    """Bounds the requests with photos in a process, and how many decode at a time. Safe for threads.

    Decoding and resizing take Python's lock in thousands of short steps. While many requests do so,
    everything else in the process waits (figures: docs/performance.md). So they take turns `with gate:`, one
    turn for every two cores. Turns go round the visitors, however many photos each has waiting; the photos
    of one visitor keep their order. (A semaphore of Python's would let the thread that just released it
    overtake those that wait.)
    """

    def __init__(self, cores: int, places: int = PLACES) -> None:
        """Make the gate of a process that may use `cores` cores."""
        self._places = places
        self._share, self._reserve = places // SHARE, places // RESERVE
        self._turns = max(1, min(MOST_TURNS, cores // 2))
        self._held: Counter[str | None] = Counter()
        self._waiting: dict[str | None, deque[Lock]] = {}
        self._lock = Lock()
        self._inside = _Inside()

    @property
    def is_full(self) -> bool:
        """Whether no place is left for another request."""
        return self._places <= 0

    def enter(self, visitor: str | None = None) -> None:
        """Take a place for this thread. Raises Overloaded at once if none is free.

        The last places are for visitors who hold less than their share; None is nobody in particular.
        """
        with self._lock:
            is_scarce = visitor is not None and self._places <= self._reserve
            if self._places <= 0 or (is_scarce and self._held[visitor] >= self._share):
                raise Overloaded
            self._places -= 1
            self._held[visitor] += 1
        self._inside.visitor = visitor

    def leave(self) -> None:
        """Give the place of this thread back."""
        visitor, self._inside.visitor = self._inside.visitor, None
        with self._lock:
            self._places += 1
            self._held[visitor] -= 1
            self._held += Counter()  # forgets visitors who hold none

    def __enter__(self) -> None:
        with self._lock:
            if self._turns:
                self._turns -= 1
                return
            called = Lock()
            called.acquire()
            self._waiting.setdefault(self._inside.visitor, deque()).append(called)
        called.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if not self._waiting:
                self._turns += 1
                return
            visitor = next(iter(self._waiting))
            calls = self._waiting.pop(visitor)
            calls.popleft().release()
            if calls:
                self._waiting[visitor] = calls  # to the end of the line


class _Inside(local):
    """The visitor whose request a thread answers."""

    visitor: str | None = None
