"""What the site does without just now: stores that cannot be written, numbers that cannot be shared."""

import time
from collections.abc import Callable, Mapping
from threading import Lock

from app.errors import CorrectionsUnavailable, HistoryUnavailable
from app.web.metrics import MetricsUnavailable
from app.web.sessions import SessionsUnavailable

CHECK_SECONDS = 1.0  # for so long one look counts: each writes to every store, and anybody may ask
FAULTS = (SessionsUnavailable, HistoryUnavailable, CorrectionsUnavailable, MetricsUnavailable)


class Dependencies:
    """Knows which of the parts that `checks` look at are out of order; safe for threads.

    A check raises one of `FAULTS`, perhaps after seconds: those who ask meanwhile get the last answer.
    """

    def __init__(self, checks: Mapping[str, Callable[[], object]]) -> None:
        self._checks = checks
        self._missing: list[str] = []
        self._until = 0.0
        self._lock = Lock()

    def missing(self) -> list[str]:
        """Name what is out of order."""
        if time.monotonic() >= self._until and self._lock.acquire(blocking=False):
            try:
                self._missing = [name for name, check in self._checks.items() if _fails(check)]
                self._until = time.monotonic() + CHECK_SECONDS
            finally:
                self._lock.release()
        return self._missing


def _fails(check: Callable[[], object]) -> bool:
    try:
        check()
    except FAULTS:
        return True
    return False
