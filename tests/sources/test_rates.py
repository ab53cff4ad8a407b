import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.settings import ROOT
from app.sources.rates import DAY_SECONDS, USUAL, Limit, OwnSearchLog, SearchLog, SqliteSearchLog
from app.sources.redis_rates import RedisSearchLog

SEARCHES = USUAL[0].searches

OTHER_PROCESS = """
import sys
from pathlib import Path
from app.sources.rates import SqliteSearchLog
print(sum(SqliteSearchLog(Path(sys.argv[1])).admit("a") for _ in range(20)))
"""


@pytest.fixture(params=["sqlite", "redis", "own"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> SearchLog:
    """Each store of searches; the one in Redis is empty, too."""
    if request.param == "sqlite":
        return SqliteSearchLog(tmp_path / "new" / "searches.sqlite3")
    if request.param == "own":
        return OwnSearchLog()
    log = RedisSearchLog(request.getfixturevalue("redis_url"))
    log._window.storage.reset()
    return log


def test_ten_searches_are_admitted_and_the_next_is_not(log: SearchLog) -> None:
    assert [log.admit("a") for _ in range(SEARCHES + 2)] == [True] * 10 + [False] * 2


def test_each_source_has_its_own_count(log: SearchLog) -> None:
    while log.admit("a"):
        pass
    assert log.admit("b")


def test_of_many_searches_at_once_ten_are_admitted(log: SearchLog) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: log.admit("a"), range(64))) == SEARCHES


def test_every_limit_of_a_source_holds(log: SearchLog) -> None:
    limits = (Limit(3, 60), Limit(2, DAY_SECONDS))
    assert [log.admit("a", limits) for _ in range(4)] == [True, True, False, False]


def test_a_search_of_yesterday_counts_no_more_and_one_of_today_does(tmp_path: Path) -> None:
    path = tmp_path / "searches.sqlite3"
    log = SqliteSearchLog(path)
    limits = (Limit(10, 60), Limit(2, DAY_SECONDS))
    assert [log.admit("a", limits) for _ in range(3)] == [True, True, False]
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE search SET at = at - ? WHERE rowid = 1", (DAY_SECONDS + 1,))
        connection.execute("UPDATE search SET at = at - ? WHERE rowid = 2", (DAY_SECONDS // 2,))
    connection.close()
    assert [log.admit("a", limits) for _ in range(2)] == [True, False]


def test_processes_share_the_count(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path / "searches.sqlite3")]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(process.communicate()[0]) for process in processes) == SEARCHES


def test_searches_are_admitted_again_after_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "searches.sqlite3"
    log = SqliteSearchLog(path)
    while log.admit("a"):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE search SET at = at - ? WHERE rowid % 2", (USUAL[0].seconds,))
    connection.close()
    assert [log.admit("a") for _ in range(6)] == [True] * 5 + [False]


def test_searches_from_before_the_clock_was_set_back_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "searches.sqlite3"
    log = SqliteSearchLog(path)
    while log.admit("a"):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE search SET at = at + 86400")
    connection.close()
    assert log.admit("a")


def test_a_redis_that_is_down_admits(dead_redis_url: str) -> None:
    assert RedisSearchLog(dead_redis_url).admit("a")


def test_a_file_that_is_not_a_database_admits(tmp_path: Path) -> None:
    (tmp_path / "searches.sqlite3").write_bytes(b"not a database" * 100)
    assert SqliteSearchLog(tmp_path / "searches.sqlite3").admit("a")


def test_a_store_that_another_process_holds_admits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.storage.sqlite.BUSY_SECONDS", 0.05)
    path = tmp_path / "searches.sqlite3"
    assert SqliteSearchLog(path).admit("a")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert SqliteSearchLog(path).admit("a")
    holder.close()
