"""How often each source may be searched, counted across all worker processes (in Redis, also machines)."""

import logging
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from app.storage.sqlite import SqliteFile

DAY_SECONDS = 24 * 60 * 60  # no limit has a longer window
CLOCK_SECONDS = 60  # by which processes may differ about the time
TABLES = """
CREATE TABLE IF NOT EXISTS search (source TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS search_by_source ON search (source, at);
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """At most `searches` in any `seconds`."""

    searches: int
    seconds: int


Limits = tuple[Limit, ...]
USUAL: Limits = (Limit(10, 60),)  # what Open Food Facts and its sister sites allow one address


class SearchLog(Protocol):
    """Counts the searches of every source. Safe for threads and processes."""

    def admit(self, source: str, limits: Limits = USUAL) -> bool:
        """Count one more search unless a limit forbids it; return whether it may be made.

        A store that cannot be reached admits every search: each process also keeps the limit (see pool.py).
        """


class OwnSearchLog:
    """A SearchLog of this process alone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._times: defaultdict[str, list[float]] = defaultdict(list)

    def admit(self, source: str, limits: Limits = USUAL) -> bool:
        now = time.monotonic()
        with self._lock:
            times = [at for at in self._times[source] if at > now - DAY_SECONDS]
            may = all(sum(at > now - limit.seconds for at in times) < limit.searches for limit in limits)
            self._times[source] = [*times, now] if may else times
        return may


class SqliteSearchLog:
    """A SearchLog in the SQLite file `path`, which is made on first use, with its folder."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, TABLES, SearchesUncounted)

    def admit(self, source: str, limits: Limits = USUAL) -> bool:
        now = time.time()
        try:
            with self._file.transaction() as connection:
                # A search far in the future was counted before the clock was set back.
                kept = (now - DAY_SECONDS, now + CLOCK_SECONDS)
                connection.execute("DELETE FROM search WHERE at NOT BETWEEN ? AND ?", kept)
                query = "SELECT count(*) FROM search WHERE source = ? AND at > ?"
                for limit in limits:
                    made = connection.execute(query, (source, now - limit.seconds)).fetchone()[0]
                    if made >= limit.searches:
                        return False
                connection.execute("INSERT INTO search VALUES (?, ?)", (source, now))
                return True
        except SearchesUncounted as fault:
            log.warning("searches of photo sources are counted in this process alone: %s", fault)
            return True


class SearchesUncounted(Exception):
    """The file of the search log cannot be reached."""
