"""Taught classifiers in one SQLite file, for a site on a single machine."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.classifiers import store
from app.classifiers.store import oldest_kept
from app.errors import ClassifierFull, ClassifiersUnavailable
from app.storage import ignore
from app.storage.sqlite import SqliteFile, bytes_held

TABLES = """
CREATE TABLE IF NOT EXISTS owner (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    changed REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS file (
    owner INTEGER NOT NULL REFERENCES owner ON DELETE CASCADE,
    name TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (owner, name)
);
CREATE INDEX IF NOT EXISTS owner_by_change ON owner (changed);
"""


class SqliteClassifiers:
    """A ClassifierStore in the SQLite file `path`, which is made on first use, with its folder."""

    def __init__(self, path: Path, note_fault: Callable[[], object] = ignore) -> None:
        self._note_fault = note_fault
        self._file = SqliteFile(path, TABLES, self._fault)

    def names(self, owner: str) -> list[str]:
        with self._file.transaction() as connection:
            query = (
                "SELECT name FROM file WHERE owner ="
                " (SELECT number FROM owner WHERE id = ? AND changed >= ?) ORDER BY name"
            )
            return [name for (name,) in connection.execute(query, (owner, oldest_kept()))]

    def get(self, owner: str, names: Sequence[str]) -> dict[str, bytes]:
        with self._file.transaction() as connection:
            query = (
                "SELECT name, data FROM json_each(?) AS wanted CROSS JOIN file ON file.name = wanted.value"
                " AND file.owner = (SELECT number FROM owner WHERE id = ? AND changed >= ?)"
            )
            rows = connection.execute(query, (json.dumps(names), owner, oldest_kept()))
            return {name: bytes(data) for name, data in rows}

    def put(self, owner: str, files: Mapping[str, bytes]) -> None:
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM owner WHERE id = ? AND changed < ?", (owner, oldest_kept()))
            [number] = connection.execute(
                "INSERT INTO owner (id, changed) VALUES (?1, ?2)"
                " ON CONFLICT (id) DO UPDATE SET changed = ?2 RETURNING number",
                (owner, time.time()),
            ).fetchone()
            connection.executemany(
                "INSERT OR REPLACE INTO file VALUES (?, ?, ?)",
                ((number, name, data) for name, data in files.items()),
            )
            [count] = connection.execute("SELECT count(*) FROM file WHERE owner = ?", (number,)).fetchone()
            if count > store.MOST_FILES:
                raise ClassifierFull  # which rolls back
            connection.execute(
                "DELETE FROM owner WHERE number IN"
                " (SELECT number FROM owner ORDER BY changed DESC LIMIT -1 OFFSET ?)",
                (store.MOST_OWNERS,),
            )
            oldest = "SELECT number FROM owner WHERE id != ? ORDER BY changed LIMIT 1"
            while bytes_held(connection) > store.MAX_BYTES:
                if not connection.execute(f"DELETE FROM owner WHERE number = ({oldest})", (owner,)).rowcount:  # noqa: S608
                    break

    def delete(self, owner: str, names: Sequence[str]) -> None:
        with self._file.transaction() as connection:
            connection.execute(
                "DELETE FROM file WHERE owner = (SELECT number FROM owner WHERE id = ?)"
                " AND name IN (SELECT value FROM json_each(?))",
                (owner, json.dumps(names)),
            )

    def clear(self, owner: str) -> None:
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM owner WHERE id = ?", (owner,))

    def sweep(self) -> None:
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM owner WHERE changed < ?", (oldest_kept(),))

    def check(self) -> None:
        self._file.check()

    def _fault(self, _error: Exception) -> ClassifiersUnavailable:
        self._note_fault()
        return ClassifiersUnavailable()
