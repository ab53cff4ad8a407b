"""How often each source may be searched, counted across all worker processes (in Redis, also machines)."""

import logging
import time
from pathlib import Path
from typing import Protocol

from app.storage.sqlite import SqliteFile

SEARCHES = 10  # in any WINDOW_SECONDS: what Open Food Facts and its sister sites allow one address
WINDOW_SECONDS = 60

TABLES = "CREATE TABLE IF NOT EXISTS search (source TEXT NOT NULL, at REAL NOT NULL)"

log = logging.getLogger(__name__)


class SearchLog(Protocol):
    """Counts the searches of every source. Safe for threads and processes."""

    def admit(self, source: str) -> bool:
        """Count one more search unless the window already has `SEARCHES`; return whether it may be made.

        A store that cannot be reached admits every search: each process also keeps the limit (see pool.py).
        """


class SqliteSearchLog:
    """A SearchLog in the SQLite file `path`, which is made on first use, with its folder."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, TABLES, SearchesUncounted)

    def admit(self, source: str) -> bool:
        now = time.time()
        try:
            with self._file.transaction() as connection:
                # A search far in the future was counted before the clock was set back.
                window = (now - WINDOW_SECONDS, now + WINDOW_SECONDS)
                connection.execute("DELETE FROM search WHERE at NOT BETWEEN ? AND ?", window)
                query = (
                    "INSERT INTO search SELECT ?, ? WHERE (SELECT count(*) FROM search WHERE source = ?) < ?"
                )
                return connection.execute(query, (source, now, source, SEARCHES)).rowcount == 1
        except SearchesUncounted as fault:
            log.warning("searches of photo sources are counted in this process alone: %s", fault)
            return True


class SearchesUncounted(Exception):
    """The file of the search log cannot be reached."""
