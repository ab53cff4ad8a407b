"""A SQLite file for a site on a single machine: made on first use, shared by threads and processes."""

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.storage import Fault

BUSY_SECONDS = 5.0  # how long to wait for another writer
KEPT_OPEN = 4  # connections of a process, each with up to 2 MB of the file in memory
CONNECTION = """
PRAGMA synchronous = NORMAL;
PRAGMA foreign_keys = ON;
"""

Identity = tuple[int, int]  # device and inode


class SqliteFile:
    """The SQLite file `path`, made with its `tables`, folder and all, on first use. Safe for threads.

    `tables` is a script that may be run again. `fault` is as in `app.storage`.
    """

    def __init__(self, path: Path, tables: str, fault: Fault) -> None:
        self._path = path
        self._tables = tables
        self._fault = fault
        self._idle = _Idle(os.getpid())

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a connection within one transaction, which an exception rolls back; raises as `fault` says."""
        try:
            file, connection = self._take()
            try:
                with connection:
                    yield connection
            except BaseException:
                connection.close()
                raise
            self._idle.put(file, connection)
        except (OSError, sqlite3.Error) as error:
            raise self._fault(error) from error

    def check(self) -> None:
        """Write to the file, so that one that can be read alone is noticed; raises as `fault` says."""
        with self.transaction() as connection:
            connection.execute("PRAGMA user_version = 0")

    def _take(self) -> tuple[Identity, sqlite3.Connection]:
        """Take a connection that nobody else uses. Raises OSError or sqlite3.Error.

        One that was used before knows the statements and much of the file, which saves the page of an answer
        a millisecond. When the file was deleted, and after a fork, it is a fresh one.
        """
        if self._idle.process != os.getpid():
            self._idle = _Idle(os.getpid(), self._idle)
        with suppress(FileNotFoundError):
            present = _identify(self._path)
            while kept := self._idle.pop():
                if kept[0] == present:
                    return kept
                kept[1].close()
        connection = self._connect()
        return _identify(self._path), connection

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)  # visitors' photos are nobody else's business
        connection = sqlite3.connect(
            self._path, BUSY_SECONDS, isolation_level="IMMEDIATE", check_same_thread=False
        )
        try:
            # When several processes make the file at once, SQLite refuses this to some without waiting.
            # One of them gets it, and it is a property of the file.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(CONNECTION + self._tables)
        except BaseException:
            connection.close()
            raise
        return connection


class _Idle:
    """The connections that a process keeps open.

    A child process neither uses nor closes those of its parent: closing one would give up the locks that the
    parent holds (https://www.sqlite.org/howtocorrupt.html, section 2.6). So it keeps them as they are.
    """

    def __init__(self, process: int, inherited: "_Idle | None" = None) -> None:
        self.process = process
        self._inherited = inherited
        self._connections: list[tuple[Identity, sqlite3.Connection]] = []
        weakref.finalize(self, _close, process, self._connections)

    def put(self, file: Identity, connection: sqlite3.Connection) -> None:
        """Keep a connection for the next transaction."""
        if len(self._connections) < KEPT_OPEN:
            self._connections.append((file, connection))
        else:
            connection.close()

    def pop(self) -> tuple[Identity, sqlite3.Connection] | None:
        """Take a connection, if there is one."""
        with suppress(IndexError):
            return self._connections.pop()
        return None


def _close(process: int, connections: list[tuple[Identity, sqlite3.Connection]]) -> None:
    if process == os.getpid():
        for _, connection in connections:
            connection.close()


def _identify(path: Path) -> Identity:
    status = path.stat()
    return status.st_dev, status.st_ino
