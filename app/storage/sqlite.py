"""A SQLite file for a site on a single machine, shared by threads and processes."""

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
    """The SQLite file `path`, made on first use, with its folder and `tables`. Safe for threads.

    `tables` is a script that can run more than once. `fault` is as in `app.storage`. A transaction waits for
    another writer for `busy_seconds`, by default `BUSY_SECONDS`.
    """

    def __init__(self, path: Path, tables: str, fault: Fault, busy_seconds: float | None = None) -> None:
        self._busy_seconds = busy_seconds
        self._path = path
        self._tables = tables
        self._fault = fault
        self._idle = _Idle(os.getpid())

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection in a transaction; an exception rolls it back. Raises what `fault` returns."""
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
        """Write to the file, so that a read-only one is noticed. Raises what `fault` returns."""
        with self.transaction() as connection:
            connection.execute("PRAGMA user_version = 0")

    def _take(self) -> tuple[Identity, sqlite3.Connection]:
        """Take a connection that nobody else uses. Raises OSError or sqlite3.Error.

        A used connection holds compiled statements and much of the file, which saves the page of an answer a
        millisecond. After a fork, and if the file was deleted, the connection is new.
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
        self._path.touch(mode=0o600)  # visitors' photos are private
        patience = BUSY_SECONDS if self._busy_seconds is None else self._busy_seconds
        connection = sqlite3.connect(
            self._path, patience, isolation_level="IMMEDIATE", check_same_thread=False
        )
        try:
            # If several processes make the file at once, SQLite refuses this to some without waiting. One
            # of them succeeds, and that is enough: the mode belongs to the file.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(CONNECTION + self._tables)
        except BaseException:
            connection.close()
            raise
        return connection


def bytes_held(connection: sqlite3.Connection) -> int:
    """Return how many bytes of the file are in use."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, page_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int((pages - free) * page_bytes)


class _Idle:
    """The connections that a process keeps open.

    A child process neither uses nor closes its parent's connections: closing one would release the parent's
    locks (https://www.sqlite.org/howtocorrupt.html, section 2.6). So the child leaves them open.
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
        """Take a connection, or return None if there is none."""
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
