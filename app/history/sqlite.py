"""The history in one SQLite file, for a site on a single machine."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from app import metrics
from app.errors import HistoryUnavailable, NotFound
from app.history.store import MAX_ENTRIES, Entry, dump_entry, load_entry, oldest_kept

BUSY_SECONDS = 5.0  # how long to wait for another writer

# Thumbnails have a table of their own, so that pages and counts never read past them.
SCHEMA = """
PRAGMA synchronous = NORMAL;
PRAGMA foreign_keys = ON;
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    created REAL NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (owner, id)
);
CREATE INDEX IF NOT EXISTS entry_by_owner ON entry (owner, created);
CREATE INDEX IF NOT EXISTS entry_by_age ON entry (created);
CREATE TABLE IF NOT EXISTS thumbnail (
    number INTEGER PRIMARY KEY REFERENCES entry ON DELETE CASCADE,
    jpeg BLOB NOT NULL
);
"""


class SqliteHistory:
    """A HistoryStore in the SQLite file `path`, which is made, folder and all, on first use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, owner: str, entry: Entry, thumbnail: bytes) -> None:
        with self._transaction() as connection:
            number = connection.execute(
                "INSERT INTO entry (owner, id, created, json) VALUES (?, ?, ?, ?)",
                (owner, entry.id, entry.created.timestamp(), dump_entry(entry, thumbnail)),
            ).lastrowid
            connection.execute("INSERT INTO thumbnail VALUES (?, ?)", (number, thumbnail))
            connection.execute("DELETE FROM entry WHERE created < ?", (oldest_kept(),))
            connection.execute(
                "DELETE FROM entry WHERE number IN"
                " (SELECT number FROM entry WHERE owner = ? ORDER BY created DESC LIMIT -1 OFFSET ?)",
                (owner, MAX_ENTRIES),
            )

    def page(self, owner: str, offset: int, limit: int) -> list[Entry]:
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT json FROM entry WHERE owner = ? AND created >= ?"
                " ORDER BY created DESC LIMIT ? OFFSET ?",
                (owner, oldest_kept(), limit, offset),
            )
            return [load_entry(text) for (text,) in rows]

    def count(self, owner: str) -> int:
        with self._transaction() as connection:
            query = "SELECT count(*) FROM entry WHERE owner = ? AND created >= ?"
            return int(connection.execute(query, (owner, oldest_kept())).fetchone()[0])

    def get(self, owner: str, entry_id: str) -> Entry:
        with self._transaction() as connection:
            query = "SELECT json FROM entry WHERE owner = ? AND id = ? AND created >= ?"
            row = connection.execute(query, (owner, entry_id, oldest_kept())).fetchone()
        if row is None:
            raise NotFound
        return load_entry(row[0])

    def thumbnail(self, owner: str, entry_id: str) -> bytes:
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT jpeg FROM thumbnail JOIN entry USING (number)"
                " WHERE owner = ? AND id = ? AND created >= ?",
                (owner, entry_id, oldest_kept()),
            ).fetchone()
        if row is None:
            raise NotFound
        return bytes(row[0])

    def delete(self, owner: str, entry_id: str) -> None:
        with self._transaction() as connection:
            connection.execute("DELETE FROM entry WHERE owner = ? AND id = ?", (owner, entry_id))

    def clear(self, owner: str) -> None:
        with self._transaction() as connection:
            connection.execute("DELETE FROM entry WHERE owner = ?", (owner,))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a connection for one transaction.

        A fresh one each time costs a third of a millisecond and is right after a fork, in any
        thread, and when the file was deleted.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)  # visitors' photos are nobody else's business
            with (
                closing(sqlite3.connect(self._path, BUSY_SECONDS, isolation_level="IMMEDIATE")) as connection,
                connection,
            ):
                # When several processes make the file at once, SQLite refuses this to some without waiting.
                # One of them gets it, and it is a property of the file.
                with suppress(sqlite3.OperationalError):
                    connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(SCHEMA)
                yield connection
        except (OSError, sqlite3.Error) as error:
            metrics.degraded.labels("history").inc()
            raise HistoryUnavailable from error
