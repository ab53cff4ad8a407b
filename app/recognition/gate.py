"""The gate of a process: how many photos are inside, and whose turn it is to be decoded."""

from collections import deque
from threading import Lock

from app.errors import Overloaded

PLACES = 64  # requests with photos inside a process: those being answered and those that wait
MOST_TURNS = 2  # photos decoded at a time, however many cores: 25 megapixels of WebP take 384 MB


class Gate:
    """Lets a bounded number of requests with photos in, and fewer of them decode at a time; safe for threads.

    Decoding and resizing take Python's lock in thousands of short steps. While many requests do so, all else
    in the process waits behind them (figures: docs/performance.md). So they take turns, one for every two
    cores, `with gate:`, in the order in which they came: those who wait for a semaphore of Python's own can
    be overtaken by whoever has just given it back.
    """

    def __init__(self, cores: int, places: int = PLACES) -> None:
        """Make the gate of a process that may use so many cores."""
        self._places = places
        self._turns = max(1, min(MOST_TURNS, cores // 2))
        self._waiting: deque[Lock] = deque()
        self._lock = Lock()

    @property
    def is_full(self) -> bool:
        """Whether there is no place for one more request."""
        return self._places <= 0

    def enter(self) -> None:
        """Take a place. Raises Overloaded at once where none is free."""
        with self._lock:
            if self._places <= 0:
                raise Overloaded
            self._places -= 1

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            self._places += 1

    def __enter__(self) -> None:
        with self._lock:
            if self._turns:
                self._turns -= 1
                return
            called = Lock()
            called.acquire()
            self._waiting.append(called)
        called.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._turns += 1
