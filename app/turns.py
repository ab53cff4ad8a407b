"""Whose turn it is to read, decode and resize a photo: few at a time, so that all else is answered at once.

These take Python's lock in thousands of short steps. While many requests do so, the worker's loop waits
behind several of them at each step of its own, and every refusal with it (figures: docs/performance.md).
"""

from collections import deque
from threading import Lock

from app.recognition.engines import usable_cores
from app.recognition.photos import DECODERS


class Turn:
    """Lets so many in at a time, and the others in the order in which they came; safe for threads.

    Past those who wait for a semaphore of Python's own, whoever gives it back may take it again.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[Lock] = deque()
        self._lock = Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
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
                self._free += 1


def make_turn() -> Turn:
    """Make the turn of a process: one request at a time for every two cores, at most `DECODERS`."""
    return Turn(max(1, min(DECODERS, usable_cores() // 2)))
