"""The photos that searches by category have found and nobody has been shown yet, for all processes."""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from app.sources.fetch import MAX_REST_SECONDS
from app.sources.rates import DAY_SECONDS
from app.sources.source import Listed
from app.storage.sqlite import SqliteFile

MAX_PHOTOS = 20_000  # listed; the oldest beyond them are dropped
KEPT_SECONDS = 30 * DAY_SECONDS  # links break with time
BUSY_SECONDS = 0.2  # for another writer; a click has several transactions and 6 s in all
TABLES = """
CREATE TABLE IF NOT EXISTS photo (
    number INTEGER PRIMARY KEY,
    words TEXT NOT NULL,
    found REAL NOT NULL,
    listed BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS photo_by_words ON photo (words);
CREATE TABLE IF NOT EXISTS searched (
    words TEXT PRIMARY KEY, page INTEGER NOT NULL, pages INTEGER NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS rest (until REAL NOT NULL);
"""

log = logging.getLogger(__name__)


class StockUnavailable(Exception):
    """The file of the stock cannot be reached."""


class Stock:
    """Listed photos by the words of their search, in the SQLite file `path`. Safe for threads and processes.

    While the file is out of reach, the stock is empty and keeps nothing.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, TABLES, StockUnavailable, BUSY_SECONDS)

    def take(self, words: Sequence[str]) -> tuple[str, Listed] | None:
        """Take a random photo that was found by any of `words`; return it with these, or None."""
        taken = None
        with _noted(), self._file.transaction() as connection:
            query = (
                "DELETE FROM photo WHERE number = (SELECT number FROM photo"
                " WHERE words IN (SELECT value FROM json_each(?)) ORDER BY random() LIMIT 1)"
                " RETURNING words, CAST(listed AS BLOB)"
            )
            taken = connection.execute(query, (json.dumps(words),)).fetchall()
        try:
            return (taken[0][0], msgspec.json.decode(taken[0][1], type=Listed)) if taken else None
        except msgspec.DecodeError:
            return None

    def next_page(self, words: str) -> int:
        """Return the page to search next, from 1 on and round again; 0 if there was none in a day."""
        row = None
        with _noted(), self._file.transaction() as connection:
            query = "SELECT page, pages FROM searched WHERE words = ? AND (pages > 0 OR at > ?)"
            row = connection.execute(query, (words, time.time() - DAY_SECONDS)).fetchone()
        if row is None:
            return 1
        page, pages = row
        return page % pages + 1 if pages else 0

    def put(self, words: str, photos: Sequence[Listed], page: int, pages: int) -> None:
        """Keep what a search has found on a page of `pages`."""
        now = time.time()
        with _noted(), self._file.transaction() as connection:
            connection.execute("REPLACE INTO searched VALUES (?, ?, ?, ?)", (words, page, pages, now))
            connection.executemany(
                "INSERT INTO photo (words, found, listed) VALUES (?, ?, ?)",
                ((words, now, msgspec.json.encode(listed)) for listed in photos),
            )
            connection.execute("DELETE FROM photo WHERE found < ?", (now - KEPT_SECONDS,))
            query = "DELETE FROM photo WHERE number <= (SELECT max(number) FROM photo) - ?"
            connection.execute(query, (MAX_PHOTOS,))

    def rest(self, seconds: float) -> None:
        """Have all processes search no more for a while."""
        with _noted(), self._file.transaction() as connection:
            connection.execute("DELETE FROM rest")
            connection.execute("INSERT INTO rest VALUES (?)", (time.time() + seconds,))

    def rests(self) -> bool:
        """Tell whether a process has asked for a rest that is not over."""
        until = 0.0
        with _noted(), self._file.transaction() as connection:
            until = connection.execute("SELECT max(until) FROM rest").fetchone()[0] or 0.0
        # One that ends later than any can was asked for before the clock was set back.
        return 0 < until - time.time() <= MAX_REST_SECONDS


@contextmanager
def _noted() -> Iterator[None]:
    """Go on without the stock while it is out of reach."""
    try:
        yield
    except StockUnavailable as fault:
        log.warning("the stock of photos is out of reach: %s", fault)
