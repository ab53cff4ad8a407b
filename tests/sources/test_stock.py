import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.recognition.origin import Origin
from app.settings import ROOT
from app.sources import stock as stock_module
from app.sources.fetch import MAX_REST_SECONDS
from app.sources.rates import DAY_SECONDS
from app.sources.source import Listed
from app.sources.stock import KEPT_SECONDS, Stock

OTHER_PROCESS = """
import sys
from pathlib import Path
from app.sources.stock import Stock
stock = Stock(Path(sys.argv[1]))
while taken := stock.take(["teapot"]):
    print(taken[1].where)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "photo_stock.sqlite3"


@pytest.fixture
def stock(path: Path) -> Stock:
    return Stock(path)


@pytest.fixture
def change(path: Path) -> Callable[..., None]:
    """Change the file as time would."""

    def run(statement: str, *values: object) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement, values)

    return run


def photos(count: int, name: str = "photo") -> list[Listed]:
    return [
        Listed(f"https://photos.example/{name}{number}", Origin("Openverse", name)) for number in range(count)
    ]


def test_a_photo_is_taken_once_with_its_origin_and_words(stock):
    (listed,) = photos(1)
    stock.put("teapot", [listed], 1, 1)
    assert stock.take(["mug", "teapot"]) == ("teapot", listed)
    assert stock.take(["teapot"]) is None


def test_a_photo_of_other_words_is_left(stock):
    stock.put("teapot", photos(1), 1, 1)
    assert stock.take(["mug"]) is None
    assert stock.take([]) is None
    assert stock.take(["teapot"])


def test_processes_share_the_stock_and_no_photo_is_served_twice(stock, path):
    stock.put("teapot", photos(60), 1, 1)
    command = [sys.executable, "-c", OTHER_PROCESS, str(path)]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    taken = [line for process in processes for line in process.communicate()[0].split()]
    assert (len(taken), len(set(taken))) == (60, 60)


def test_pages_are_searched_one_after_the_other_and_round_again(stock):
    pages = []
    for _ in range(4):
        pages.append(stock.next_page("teapot"))
        stock.put("teapot", photos(1), pages[-1], 3)
    assert pages == [1, 2, 3, 1]


def test_words_that_found_nothing_are_searched_again_after_a_day(stock, change):
    stock.put("teapot", [], 1, 0)
    assert stock.next_page("teapot") == 0
    change("UPDATE searched SET at = at - ?", DAY_SECONDS)
    assert stock.next_page("teapot") == 1


def test_the_oldest_photos_are_dropped_beyond_a_number(stock, monkeypatch):
    monkeypatch.setattr(stock_module, "MAX_PHOTOS", 20)
    for name in ("old", "new"):
        stock.put("teapot", photos(20, name), 1, 1)
    assert {stock.take(["teapot"])[1].origin.title for _ in range(20)} == {"new"}
    assert stock.take(["teapot"]) is None


def test_photos_of_long_ago_are_dropped(stock, change):
    stock.put("teapot", photos(1), 1, 1)
    change("UPDATE photo SET found = found - ?", KEPT_SECONDS)
    stock.put("mug", photos(1), 1, 1)
    assert stock.take(["teapot"]) is None


def test_a_rest_holds_for_all_processes_until_it_is_over(stock, path, change):
    other = Stock(path)
    assert not other.rests()
    stock.rest(60)
    assert other.rests()
    change("UPDATE rest SET until = until - 60")
    assert not other.rests()


def test_a_rest_from_before_the_clock_was_set_back_is_over(stock, change):
    stock.rest(MAX_REST_SECONDS - 1)
    assert stock.rests()
    change("UPDATE rest SET until = until + 86400")
    assert not stock.rests()


def test_a_stock_out_of_reach_is_empty_and_takes_everything(tmp_path):
    (tmp_path / "file").touch()
    stock = Stock(tmp_path / "file" / "photo_stock.sqlite3")
    stock.put("teapot", photos(1), 1, 1)
    stock.rest(60)
    assert (stock.take(["teapot"]), stock.next_page("teapot"), stock.rests()) == (None, 1, False)


def test_a_damaged_row_is_passed_over(stock, change):
    stock.put("teapot", photos(1), 1, 1)
    change("UPDATE photo SET listed = x'ff00'")
    assert stock.take(["teapot"]) is None


def test_a_stock_that_another_process_holds_is_empty(stock, path):
    stock.put("teapot", photos(1), 1, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert stock.take(["teapot"]) is None
    assert stock.take(["teapot"])
