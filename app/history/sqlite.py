"""The history in one SQLite file, for a site on a single machine."""

import json
import os
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.errors import HistoryUnavailable, NotFound
from app.history.entry import (
    MAX_ENTRIES,
    Discarded,
    Entry,
    discard_now,
    dump_entry,
    load_entry,
    oldest_discarded,
    oldest_kept,
)
from app.history.summary import Summary, dump_summary, load_summaries, summarise
from app.web import metrics

BUSY_SECONDS = 5.0  # how long to wait for another writer
KEPT_OPEN = 4  # connections of a process, each with up to 2 MB of the file in memory

FileId = tuple[int, int, int]  # process, device and inode

CONNECTION = """
PRAGMA synchronous = NORMAL;
PRAGMA foreign_keys = ON;
"""
# Thumbnails have a table of their own, so that pages and counts never read past them.
FIRST_VERSION = (
    """CREATE TABLE IF NOT EXISTS entry (
        number INTEGER PRIMARY KEY,
        owner TEXT NOT NULL,
        id TEXT NOT NULL,
        created REAL NOT NULL,
        json TEXT NOT NULL,
        UNIQUE (owner, id)
    )""",
    "CREATE INDEX IF NOT EXISTS entry_by_age ON entry (created)",
    """CREATE TABLE IF NOT EXISTS thumbnail (
        number INTEGER PRIMARY KEY REFERENCES entry ON DELETE CASCADE,
        jpeg BLOB NOT NULL
    )""",
    "ALTER TABLE entry ADD COLUMN summary BLOB NOT NULL DEFAULT x''",
    "ALTER TABLE entry ADD COLUMN discarded INTEGER",
    "DROP INDEX IF EXISTS entry_by_owner",
    # With the summaries, as reading 10,000 of them past the rest of their rows takes twice as long.
    "CREATE INDEX entry_by_state ON entry (owner, discarded, created, summary)",
    "CREATE INDEX entry_by_discarded ON entry (discarded) WHERE discarded IS NOT NULL",
    "CREATE VIEW kept AS SELECT * FROM entry WHERE discarded IS NULL",
)
# Counting 10,000 rows in the index with the summaries takes seven times as long.
SECOND_VERSION = ("CREATE INDEX entry_by_time ON entry (owner, created) WHERE discarded IS NULL",)
VERSIONS = (FIRST_VERSION, SECOND_VERSION)  # a file of version 0 has neither summaries nor discarded entries


class SqliteHistory:
    """A HistoryStore in the SQLite file `path`, which is made, folder and all, on first use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[tuple[FileId, sqlite3.Connection]] = []
        weakref.finalize(self, _close, self._idle)

    def add(self, owner: str, entry: Entry, thumbnail: bytes) -> None:
        with self._transaction() as connection:
            created, text = entry.created.timestamp(), dump_entry(entry, thumbnail)
            number = connection.execute(
                "INSERT INTO entry (owner, id, created, json, summary) VALUES (?, ?, ?, ?, ?)",
                (owner, entry.id, created, text, dump_summary(summarise(entry))),
            ).lastrowid
            connection.execute("INSERT INTO thumbnail VALUES (?, ?)", (number, thumbnail))
            _forget(connection)
            connection.execute(
                "DELETE FROM entry WHERE number IN"
                " (SELECT number FROM entry INDEXED BY entry_by_time WHERE owner = ? AND discarded IS NULL"
                " ORDER BY created DESC LIMIT -1 OFFSET ?)",
                (owner, MAX_ENTRIES),
            )

    def page(self, owner: str, offset: int, limit: int) -> list[Entry]:
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT json FROM kept WHERE owner = ? AND created >= ?"
                " ORDER BY created DESC LIMIT ? OFFSET ?",
                (owner, oldest_kept(), limit, offset),
            )
            return [load_entry(text) for (text,) in rows]

    def count(self, owner: str) -> int:
        with self._transaction() as connection:
            query = (
                "SELECT count(*) FROM entry INDEXED BY entry_by_time"
                " WHERE owner = ? AND created >= ? AND discarded IS NULL"
            )
            return int(connection.execute(query, (owner, oldest_kept())).fetchone()[0])

    def get(self, owner: str, entry_id: str) -> Entry:
        for entry in self.entries(owner, [entry_id]):
            return entry
        raise NotFound

    def thumbnail(self, owner: str, entry_id: str) -> bytes:
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT jpeg FROM thumbnail JOIN kept USING (number)"
                " WHERE owner = ? AND id = ? AND created >= ?",
                (owner, entry_id, oldest_kept()),
            ).fetchone()
        if row is None:
            raise NotFound
        return bytes(row[0])

    def entries(self, owner: str, entry_ids: Sequence[str]) -> list[Entry]:
        with self._transaction() as connection:
            rows = connection.execute(  # CROSS: SQLite would rather read all that the owner has
                "SELECT kept.json FROM json_each(?) AS wanted CROSS JOIN kept ON kept.id = wanted.value"
                " WHERE owner = ? AND created >= ? ORDER BY wanted.key",
                (json.dumps(entry_ids), owner, oldest_kept()),
            )
            return [load_entry(text) for (text,) in rows]

    def correct(self, owner: str, entry_id: str, correction: dict[str, Any]) -> None:
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT number, json FROM kept WHERE owner = ? AND id = ? AND created >= ?",
                (owner, entry_id, oldest_kept()),
            ).fetchone()
            if row is None:
                raise NotFound
            number, text = row
            entry = replace(load_entry(text), correction=correction)
            connection.execute(
                "UPDATE entry SET json = ?, summary = ? WHERE number = ?",
                (dump_entry(entry), dump_summary(summarise(entry)), number),
            )

    def summaries(self, owner: str) -> list[Summary]:
        with self._transaction() as connection:
            query = "SELECT summary FROM kept WHERE owner = ? AND created >= ? ORDER BY created DESC"
            return load_summaries(line for (line,) in connection.execute(query, (owner, oldest_kept())))

    def discard(self, owner: str, entry_ids: Sequence[str]) -> None:
        now = discard_now()
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE entry SET discarded = ? WHERE owner = ? AND id = ? AND discarded IS NULL",
                ((now, owner, entry_id) for entry_id in entry_ids),
            )
            _forget(connection)

    def last_discarded(self, owner: str) -> Discarded | None:
        with self._transaction() as connection:
            if connection.execute(
                "SELECT 1 FROM entry WHERE discarded < ?", (oldest_discarded(),)
            ).fetchone():
                _forget(connection)
            row = connection.execute(
                "SELECT discarded, count(*) FROM entry WHERE owner = ? AND created >= ? AND discarded >= ?"
                " GROUP BY discarded ORDER BY discarded DESC",
                (owner, oldest_kept(), oldest_discarded()),
            ).fetchone()
        return Discarded(*row) if row else None

    def restore(self, owner: str, discarded_id: int) -> int:
        with self._transaction() as connection:
            _forget(connection)
            query = "UPDATE entry SET discarded = NULL WHERE owner = ? AND discarded = ?"
            return connection.execute(query, (owner, discarded_id)).rowcount

    def clear(self, owner: str) -> None:
        with self._transaction() as connection:
            connection.execute("DELETE FROM entry WHERE owner = ?", (owner,))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            file, connection = self._take()
            try:
                with connection:
                    if _version(connection) < len(VERSIONS):
                        _make_tables(connection)
                    yield connection
            except BaseException:
                connection.close()
                raise
            self._give_back(file, connection)
        except (OSError, sqlite3.Error) as error:
            metrics.degraded.labels("history").inc()
            raise HistoryUnavailable from error

    def _take(self) -> tuple[FileId, sqlite3.Connection]:
        """Take a connection that nobody else uses. Raises OSError or sqlite3.Error.

        One that was used before knows the statements and much of the file, which saves the page of an answer
        a millisecond. After a fork, and when the file was deleted, it is a fresh one.
        """
        with suppress(FileNotFoundError, IndexError):
            present = _identify(self._path)
            while True:
                file, connection = self._idle.pop()
                if file == present:
                    return file, connection
                connection.close()
        connection = connect(self._path)
        return _identify(self._path), connection

    def _give_back(self, file: FileId, connection: sqlite3.Connection) -> None:
        if len(self._idle) < KEPT_OPEN:
            self._idle.append((file, connection))
        else:
            connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """Open a file, which is made if need be, for one thread at a time. Raises OSError or sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # visitors' photos are nobody else's business
    connection = sqlite3.connect(path, BUSY_SECONDS, isolation_level="IMMEDIATE", check_same_thread=False)
    try:
        # When several processes make the file at once, SQLite refuses this to some without waiting.
        # One of them gets it, and it is a property of the file.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(CONNECTION)
    except BaseException:
        connection.close()
        raise
    return connection


def _identify(path: Path) -> FileId:
    status = path.stat()
    return os.getpid(), status.st_dev, status.st_ino


def _close(idle: list[tuple[FileId, sqlite3.Connection]]) -> None:
    for _, connection in idle:
        connection.close()


def _forget(connection: sqlite3.Connection) -> None:
    """Delete everybody's entries that have expired or can no longer be brought back."""
    connection.execute("DELETE FROM entry WHERE created < ?", (oldest_kept(),))
    connection.execute("DELETE FROM entry WHERE discarded < ?", (oldest_discarded(),))


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an earlier version up to date with all their rows."""
    connection.execute("BEGIN IMMEDIATE")
    old = _version(connection)  # another process may have come first
    for statements in VERSIONS[old:]:
        for statement in statements:
            connection.execute(statement)
    if old == 0:
        rows = connection.execute("SELECT number, json FROM entry").fetchall()
        summaries = ((dump_summary(summarise(load_entry(text))), number) for number, text in rows)
        connection.executemany("UPDATE entry SET summary = ? WHERE number = ?", summaries)
    connection.execute(f"PRAGMA user_version = {len(VERSIONS)}")
    connection.commit()
