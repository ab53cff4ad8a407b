"""What the site must do without at the moment: stores it cannot write to, numbers it cannot share."""

import time
from collections.abc import Callable, Mapping
from threading import Lock

from app.errors import ClassifiersUnavailable, CorrectionsUnavailable, HistoryUnavailable, MachineFull
from app.web.metrics import MetricsUnavailable
from app.web.sessions import SessionsUnavailable

CHECK_SECONDS = 1.0  # that a result is reused: each check writes to every store, and anybody may ask
FAULTS = (
    SessionsUnavailable,
    HistoryUnavailable,
    CorrectionsUnavailable,
    ClassifiersUnavailable,
    MetricsUnavailable,
    MachineFull,
)


class Dependencies:
    """Knows which of the parts covered by `checks` are out of order. Safe for threads.

    A failing check raises one of `FAULTS`, perhaps after seconds; meanwhile others get the last answer.
    """

    def __init__(self, checks: Mapping[str, Callable[[], object]]) -> None:
        self._checks = checks
        self._missing: list[str] = []
        self._until = 0.0
        self._lock = Lock()

    def missing(self) -> list[str]:
        """Return the names of the parts that are out of order."""
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
