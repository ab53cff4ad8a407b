"""The history in one SQLite file, for a site on a single machine."""

import json
from collections.abc import Callable, Sequence
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
    load_entries,
    load_entry,
    oldest_discarded,
    oldest_kept,
)
from app.history.summary import Summary, dump_summary, load_summaries, summarise
from app.storage import ignore
from app.storage.sqlite import SqliteFile, bytes_held

# Thumbnails have their own table, so that pages and counts need not read past them.
TABLES = """
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    created REAL NOT NULL,
    json TEXT NOT NULL,
    summary BLOB NOT NULL,
    discarded INTEGER,
    UNIQUE (owner, id)
);
CREATE TABLE IF NOT EXISTS thumbnail (
    number INTEGER PRIMARY KEY REFERENCES entry ON DELETE CASCADE,
    jpeg BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS further_thumbnail (
    number INTEGER NOT NULL REFERENCES entry ON DELETE CASCADE,
    place INTEGER NOT NULL CHECK (place > 0),
    jpeg BLOB NOT NULL,
    PRIMARY KEY (number, place)
);
CREATE VIEW IF NOT EXISTS kept AS SELECT * FROM entry WHERE discarded IS NULL;
CREATE INDEX IF NOT EXISTS entry_by_age ON entry (created);
-- With the summaries, as reading 10,000 of them past the rest of their rows takes twice as long.
CREATE INDEX IF NOT EXISTS entry_by_state ON entry (owner, discarded, created, summary);
-- Counting 10,000 rows in the index with the summaries takes seven times as long.
CREATE INDEX IF NOT EXISTS entry_by_time ON entry (owner, created) WHERE discarded IS NULL;
CREATE INDEX IF NOT EXISTS entry_by_discarded ON entry (discarded) WHERE discarded IS NOT NULL;
"""


DROPPED_AT_ONCE = 100  # entries, once the file is full: this makes room for as many new ones


class SqliteHistory:
    """A HistoryStore in the SQLite file `path`, which is made on first use, with its folder."""

    def __init__(
        self, path: Path, note_fault: Callable[[], object] = ignore, max_bytes: int = 10 * 1024**3
    ) -> None:
        """Name the file. Beyond `max_bytes`, the oldest entries of all visitors are dropped."""
        self._note_fault = note_fault
        self._max_bytes = max_bytes
        self._file = SqliteFile(path, TABLES, self._fault)

    def add(self, owner: str, entry: Entry, *thumbnails: bytes) -> None:
        with self._file.transaction() as connection:
            created, text = entry.created.timestamp(), dump_entry(entry, *thumbnails)
            number = connection.execute(
                "INSERT INTO entry (owner, id, created, json, summary) VALUES (?, ?, ?, ?, ?)",
                (owner, entry.id, created, text, dump_summary(summarise(entry))),
            ).lastrowid
            connection.execute("INSERT INTO thumbnail VALUES (?, ?)", (number, thumbnails[0]))
            connection.executemany(
                "INSERT INTO further_thumbnail VALUES (?, ?, ?)",
                ((number, place, jpeg) for place, jpeg in enumerate(thumbnails[1:], 1)),
            )
            connection.execute(
                "DELETE FROM entry WHERE number IN"
                " (SELECT number FROM entry INDEXED BY entry_by_time WHERE owner = ? AND discarded IS NULL"
                " ORDER BY created DESC LIMIT -1 OFFSET ?)",
                (owner, MAX_ENTRIES),
            )
            if bytes_held(connection) > self._max_bytes:
                connection.execute(
                    "DELETE FROM entry WHERE number IN (SELECT number FROM entry ORDER BY created LIMIT ?)",
                    (DROPPED_AT_ONCE,),
                )

    def page(self, owner: str, offset: int, limit: int) -> list[Entry]:
        with self._file.transaction() as connection:
            rows = connection.execute(
                "SELECT CAST(json AS BLOB) FROM kept WHERE owner = ? AND created >= ?"
                " ORDER BY created DESC LIMIT ? OFFSET ?",
                (owner, oldest_kept(), limit, offset),
            )
            return load_entries(text for (text,) in rows)

    def count(self, owner: str) -> int:
        with self._file.transaction() as connection:
            query = (
                "SELECT count(*) FROM entry INDEXED BY entry_by_time"
                " WHERE owner = ? AND created >= ? AND discarded IS NULL"
            )
            return int(connection.execute(query, (owner, oldest_kept())).fetchone()[0])

    def get(self, owner: str, entry_id: str) -> Entry:
        with self._file.transaction() as connection:
            row = connection.execute(
                "SELECT CAST(json AS BLOB) FROM kept WHERE owner = ? AND id = ? AND created >= ?",
                (owner, entry_id, oldest_kept()),
            ).fetchone()
        if row is None:
            raise NotFound
        return load_entry(row[0])

    def thumbnail(self, owner: str, entry_id: str, place: int = 0) -> bytes:
        with self._file.transaction() as connection:
            first = "SELECT jpeg FROM thumbnail JOIN kept USING (number)"
            further = "SELECT jpeg FROM further_thumbnail JOIN kept USING (number)"
            row = connection.execute(
                f"{further if place else first} WHERE owner = :owner AND id = :id AND created >= :oldest"
                f"{' AND place = :place' if place else ''}",
                {"owner": owner, "id": entry_id, "oldest": oldest_kept(), "place": place},
            ).fetchone()
        if row is None:
            raise NotFound
        return bytes(row[0])

    def entries(self, owner: str, entry_ids: Sequence[str]) -> list[Entry]:
        with self._file.transaction() as connection:
            rows = connection.execute(  # CROSS: else SQLite would read all of the owner's entries
                "SELECT CAST(kept.json AS BLOB) FROM json_each(?) AS wanted"
                " CROSS JOIN kept ON kept.id = wanted.value"
                " WHERE owner = ? AND created >= ? ORDER BY wanted.key",
                (json.dumps(entry_ids), owner, oldest_kept()),
            )
            return load_entries(text for (text,) in rows)

    def correct(self, owner: str, entry_id: str, correction: dict[str, Any] | None) -> None:
        with self._file.transaction() as connection:
            row = connection.execute(
                "SELECT number, CAST(json AS BLOB) FROM kept WHERE owner = ? AND id = ? AND created >= ?",
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
        with self._file.transaction() as connection:
            rows = connection.execute(
                "SELECT CAST(summary AS BLOB) FROM kept WHERE owner = ? AND created >= ?"
                " ORDER BY created DESC",
                (owner, oldest_kept()),
            )
            return load_summaries(line for (line,) in rows)

    def discard(self, owner: str, entry_ids: Sequence[str]) -> None:
        now = discard_now()
        with self._file.transaction() as connection:
            connection.executemany(
                "UPDATE entry SET discarded = ? WHERE owner = ? AND id = ? AND discarded IS NULL",
                ((now, owner, entry_id) for entry_id in entry_ids),
            )

    def last_discarded(self, owner: str) -> Discarded | None:
        with self._file.transaction() as connection:
            row = connection.execute(
                "SELECT discarded, count(*) FROM entry WHERE owner = ? AND created >= ? AND discarded >= ?"
                " GROUP BY discarded ORDER BY discarded DESC",
                (owner, oldest_kept(), oldest_discarded()),
            ).fetchone()
        return Discarded(*row) if row else None

    def restore(self, owner: str, discarded_id: int) -> int:
        with self._file.transaction() as connection:
            query = "UPDATE entry SET discarded = NULL WHERE owner = ? AND discarded = ? AND discarded >= ?"
            return connection.execute(query, (owner, discarded_id, oldest_discarded())).rowcount

    def clear(self, owner: str) -> None:
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM entry WHERE owner = ?", (owner,))

    def sweep(self) -> None:
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM entry WHERE created < ?", (oldest_kept(),))
            connection.execute("DELETE FROM entry WHERE discarded < ?", (oldest_discarded(),))

    def check(self) -> None:
        self._file.check()

    def _fault(self, _error: Exception) -> HistoryUnavailable:
        self._note_fault()
        return HistoryUnavailable()
