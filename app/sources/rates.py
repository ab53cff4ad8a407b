"""How often each source may be searched, counted over all worker processes (and machines, in Redis)."""

import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Protocol

SEARCHES = 10  # in any window of WINDOW_SECONDS: what Open Food Facts and its sisters allow one address
WINDOW_SECONDS = 60
BUSY_SECONDS = 1.0  # how long to wait for another process

SCHEMA = "CREATE TABLE IF NOT EXISTS search (source TEXT NOT NULL, at REAL NOT NULL)"

log = logging.getLogger(__name__)


class SearchLog(Protocol):
    """Counts the searches of every source. Safe for threads and processes."""

    def admit(self, source: str) -> bool:
        """Count one more search unless `SEARCHES` were made within the window; say whether it may be made.

        A store that cannot be reached admits: each process keeps the limit for itself (see pool.py).
        """


class SqliteSearchLog:
    """A SearchLog in the SQLite file `path`, which is made, folder and all, on first use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def admit(self, source: str) -> bool:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with (
                closing(sqlite3.connect(self._path, BUSY_SECONDS, isolation_level=None)) as connection,
                connection,
            ):
                connection.execute("PRAGMA synchronous = OFF")  # a count that a power cut loses is no harm
                connection.execute("BEGIN IMMEDIATE")  # no other process may count in between
                connection.execute(SCHEMA)
                return self._count(connection, source)
        except (OSError, sqlite3.Error) as error:
            log.warning("searches of photo sources are counted in this process alone: %s", error)
            return True

    def _count(self, connection: sqlite3.Connection, source: str) -> bool:
        now = time.time()
        # What lies far in the future was counted before the clock was set back.
        window = (now - WINDOW_SECONDS, now + WINDOW_SECONDS)
        connection.execute("DELETE FROM search WHERE at NOT BETWEEN ? AND ?", window)
        query = "INSERT INTO search SELECT ?, ? WHERE (SELECT count(*) FROM search WHERE source = ?) < ?"
        return connection.execute(query, (source, now, source, SEARCHES)).rowcount == 1
