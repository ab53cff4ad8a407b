"""Corrections in one SQLite file, for a site on a single machine."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.corrections import store
from app.corrections.store import FULL, Correction, dump_correction, load_corrections
from app.errors import CorrectionsUnavailable
from app.storage import ignore
from app.storage.sqlite import SqliteFile

MOST_PAGES = 2**32 - 2  # SQLite's own limit
TABLES = """
CREATE TABLE IF NOT EXISTS correction (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS photo (answer TEXT PRIMARY KEY, jpeg BLOB NOT NULL);
"""


class SqliteCorrections:
    """A CorrectionStore in the SQLite file `path`, which is made on first use, with its folder."""

    def __init__(self, path: Path, note_fault: Callable[[], object] = ignore) -> None:
        self._note_fault = note_fault
        self._file = SqliteFile(path, TABLES, self._fault)

    def add(self, correction: Correction, photo: bytes | None) -> None:
        with self._transaction() as connection:
            deleted = connection.execute("DELETE FROM photo WHERE answer = ?", (correction.answer,)).rowcount
            if deleted and photo is None:  # taking a photo back always works, also without room
                connection.execute(f"PRAGMA max_page_count = {MOST_PAGES}")
            connection.execute("INSERT INTO correction (json) VALUES (?)", (dump_correction(correction),))
            if photo is not None:
                connection.execute("INSERT INTO photo VALUES (?, ?)", (correction.answer, photo))

    def all(self) -> list[Correction]:
        with self._transaction() as connection:
            rows = connection.execute("SELECT CAST(json AS BLOB) FROM correction ORDER BY number")
            return load_corrections(text for (text,) in rows)

    def photo(self, answer: str) -> bytes | None:
        with self._transaction() as connection:
            row = connection.execute("SELECT jpeg FROM photo WHERE answer = ?", (answer,)).fetchone()
        return bytes(row[0]) if row else None

    def check(self) -> None:
        self._file.check()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._file.transaction() as connection:
            [page_bytes] = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count = {store.MAX_BYTES // page_bytes}")
            yield connection

    def _fault(self, error: Exception) -> CorrectionsUnavailable:
        self._note_fault()
        is_full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        return CorrectionsUnavailable(FULL if is_full else None)
