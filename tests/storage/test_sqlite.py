"""A SQLite file that threads and processes share."""

import os
import shutil
import sqlite3
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from app.storage.sqlite import KEPT_OPEN, SqliteFile

TABLES = "CREATE TABLE IF NOT EXISTS word (text TEXT NOT NULL);"


class WordsUnavailable(Exception):
    """The file cannot be reached."""


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    return SqliteFile(tmp_path / "made" / "words.sqlite3", TABLES, WordsUnavailable)


def add(file: SqliteFile, word: str) -> None:
    with file.transaction() as connection:
        connection.execute("INSERT INTO word VALUES (?)", (word,))


def words(file: SqliteFile) -> list[str]:
    with file.transaction() as connection:
        return [text for (text,) in connection.execute("SELECT text FROM word")]


def test_the_file_is_made_on_first_use(file: SqliteFile, tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []
    assert words(file) == []
    assert (tmp_path / "made" / "words.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_removed_is_made_anew_and_empty(file: SqliteFile, tmp_path: Path) -> None:
    for path in (tmp_path / "made" / "words.sqlite3", tmp_path / "made"):
        add(file, "lost")
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        file.check()
        assert words(file) == []


def test_a_fault_takes_the_whole_transaction_back(file: SqliteFile) -> None:
    with suppress(ZeroDivisionError), file.transaction() as connection:
        connection.execute("INSERT INTO word VALUES ('lost')")
        _ = 1 / 0
    assert words(file) == []


def test_only_a_few_connections_stay_open(file: SqliteFile) -> None:
    with ExitStack() as stack:
        for _ in range(KEPT_OPEN + 2):
            stack.enter_context(file.transaction())
    kept = [file._idle.pop() for _ in range(KEPT_OPEN + 2)]
    assert kept.count(None) == 2


def test_a_connection_that_failed_is_not_used_again(file: SqliteFile) -> None:
    words(file)
    with pytest.raises(WordsUnavailable), file.transaction() as connection:
        connection.execute("SELECT nothing")
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
    assert words(file) == []


def test_a_child_process_leaves_the_connections_of_its_parent_alone(file: SqliteFile) -> None:
    """SQLite: closing one in the child would give up the locks of the parent."""
    with file.transaction() as connection:
        pass
    child = os.fork()
    if child == 0:
        try:
            add(file, "from the child")
            connection.execute("SELECT 1")  # still open, though unused
        except BaseException:  # whatever it is, the child must not go on as a second test run
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    add(file, "from the parent")
    assert words(file) == ["from the child", "from the parent"]
