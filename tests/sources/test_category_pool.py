import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from local_sources import CONTACT, IMAGES, Answer, draw_picture, json_answer

from app.recognition.photos import fingerprint, open_photo
from app.recognition.taxonomy import Category
from app.sources import pool as pool_module
from app.sources.category_pool import CategoryPool
from app.sources.fetch import MAX_FETCHES, Deadline, Fetcher
from app.sources.openverse import Openverse
from app.sources.pool import FAILURES, SourceFault, Wish
from app.sources.stock import Stock


def category(name: str) -> Category:
    return Category(len(name), name.lower(), "KITCHEN", "", "", name, name)


TEAPOT, WOK = category("Teapot"), category("Wok")
BOTH = Wish((TEAPOT, WOK))


class EverySearch:
    """A SearchLog that admits every search: the limit of one a second has tests of its own."""

    def admit(self, *_: object) -> bool:
        return True


@pytest.fixture
def make_pool(images, tmp_path, monkeypatch) -> Callable[..., CategoryPool]:
    """Make the pool of a process; all of them share the stock."""
    monkeypatch.setattr(pool_module, "OwnSearchLog", EverySearch)

    def make(searches=None, fetcher=None) -> CategoryPool:
        source = Openverse(images.url, fetcher or Fetcher(CONTACT, images.url))
        return CategoryPool(source, searches or EverySearch(), Stock(tmp_path / "photo_stock.sqlite3"))

    return make


@pytest.fixture
def pool(make_pool) -> CategoryPool:
    return make_pool()


def take(pool, *names, seen=(), exact=True, budget=60.0):
    return pool.photo(seen, Deadline(budget), Wish(names or (TEAPOT,), exact))


def outcome(pool, *names, seen=(), exact=True, budget=60.0) -> str:
    """Check that the pool gives no photo, and say how that is counted."""
    with pytest.raises(SourceFault) as fault:
        take(pool, *names, seen=seen, exact=exact, budget=budget)
    return fault.value.outcome


def test_a_photo_comes_with_the_category_that_was_asked_for(images, pool):
    found = take(pool, TEAPOT)
    assert found.asked == TEAPOT
    assert found.origin.title.startswith("teapot")
    assert images.asked(IMAGES)[0].query["q"] == "teapot"


def test_categories_are_drawn_by_chance(pool):
    assert {take(pool, TEAPOT, WOK, exact=False).asked for _ in range(40)} == {TEAPOT, WOK}


def test_one_search_serves_as_many_clicks_as_it_lists_photos_in_all_processes(images, make_pool):
    pools = [make_pool(), make_pool()]
    titles = {take(pools[number % 2], TEAPOT).origin.title for number in range(20)}
    assert (len(titles), len(images.asked(IMAGES))) == (20, 1)


def test_an_empty_stock_is_filled_from_the_next_page(images, pool):
    for _ in range(21):
        take(pool, TEAPOT)
    assert [request.query["page"] for request in images.asked(IMAGES)] == ["1", "2"]


def test_one_search_serves_clicks_at_the_same_time(images, pool):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: take(pool, TEAPOT), range(20)))
    assert len({photo.origin.title for photo in found}) == 20
    assert len(images.asked(IMAGES)) == 1


def test_a_photo_that_was_seen_is_passed_over(images, pool):
    images.photos, images.pages = 2, 1
    seen = fingerprint(open_photo(draw_picture(0)))
    assert take(pool, seen=[seen]).origin.title == "teapot 1"


def test_a_click_searches_twice_at_most_where_every_photo_was_seen(images, pool):
    images.photos = 2
    seen = [fingerprint(open_photo(draw_picture(number))) for number in range(6)]
    assert outcome(pool, seen=seen) == "unusable"
    assert len(images.asked(IMAGES)) == 2


def test_a_photo_that_cannot_be_used_is_replaced_by_the_next(images, pool):
    rows = [images.make_photo(number) for number in range(3)]
    images.answers[IMAGES] = json_answer({"page_count": 1, "results": rows})
    for row in rows[:2]:
        images.answers[row["thumbnail"].removeprefix(images.url)] = Answer(424)
    assert take(pool).origin.title == "teapot 2"


def test_words_that_find_nothing_are_searched_once(images, pool):
    images.photos = 0
    assert [outcome(pool) for _ in range(3)] == ["unusable"] * 3
    assert len(images.asked(IMAGES)) == 1


def test_a_page_beyond_the_last_leads_back_to_the_first(images, pool):
    take(pool)
    images.pages = 1  # fewer than the answer before promised
    for _ in range(19):
        take(pool)
    assert outcome(pool) == "failed"
    assert take(pool)
    assert [request.query["page"] for request in images.asked(IMAGES)] == ["1", "2", "1"]


def test_a_429_lets_the_searches_of_all_processes_rest(images, make_pool):
    images.answers[IMAGES] = Answer(429, headers={"Retry-After": "1800"})
    assert [outcome(make_pool()) for _ in range(3)] == ["failed", "resting", "resting"]
    assert len(images.asked(IMAGES)) == 1


def test_after_a_429_the_stock_is_still_served(images, pool):
    take(pool, TEAPOT)
    images.answers[IMAGES] = Answer(429)
    assert {take(pool, TEAPOT, WOK, exact=False).asked for _ in range(19)} == {TEAPOT}
    assert len(images.asked(IMAGES)) == 2


def test_a_photo_of_another_category_is_no_answer_to_one_that_was_asked_for(images, pool):
    take(pool, TEAPOT)
    images.answers[IMAGES] = Answer(429)
    assert outcome(pool, WOK) == "failed"


def test_after_a_rest_the_source_is_searched_again(images, pool, monkeypatch):
    monkeypatch.setattr(pool_module, "REST_SECONDS", 0.0)
    working = images.answers[IMAGES]
    images.answers[IMAGES] = Answer(500)
    assert [outcome(pool) for _ in range(FAILURES)] == ["failed"] * FAILURES
    images.answers[IMAGES] = working
    assert take(pool)


def test_three_failures_in_a_row_let_the_searches_rest_and_not_the_stock(images, pool):
    take(pool, TEAPOT)
    images.answers[IMAGES] = Answer(500)
    assert [outcome(pool, WOK) for _ in range(FAILURES + 1)] == ["failed", "failed", "failed", "resting"]
    assert take(pool, TEAPOT)


def test_a_search_beyond_the_limits_is_not_made_and_the_stock_is_served(images, make_pool, searches):
    pool = make_pool(searches)
    take(pool, TEAPOT)
    while searches.admit("openverse"):
        pass
    assert outcome(pool, WOK) == "limited"
    assert take(pool, WOK, TEAPOT, exact=False).asked == TEAPOT
    assert len(images.asked(IMAGES)) == 1


def test_an_address_searches_once_a_second_at_most(openverse, searches, tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("app.sources.rates.time.time", lambda: now)
    monkeypatch.setattr("app.sources.rates.time.monotonic", lambda: now)
    pool = CategoryPool(openverse, searches, Stock(tmp_path / "photo_stock.sqlite3"))
    assert take(pool, TEAPOT)
    assert outcome(pool, WOK) == "limited"
    now += 1
    assert take(pool, WOK)


def test_a_source_that_others_fetch_from_is_busy_and_not_blamed(images, make_pool):
    fetcher = Fetcher(CONTACT, images.url)
    pool = make_pool(fetcher=fetcher)
    for _ in range(MAX_FETCHES):
        fetcher._slots.acquire()
    assert [outcome(pool) for _ in range(FAILURES + 1)] == ["busy"] * (FAILURES + 1)


def test_a_slow_search_ends_with_the_budget_and_the_stock_is_served(images, pool):
    take(pool, TEAPOT)
    images.answers[IMAGES] = Answer(body=images.drip(b" "))
    assert outcome(pool, WOK, budget=0.4) == "failed"
    assert take(pool, TEAPOT)


def test_without_its_file_a_stock_serves_a_photo_of_each_search(tmp_path, openverse):
    (tmp_path / "file").touch()
    pool = CategoryPool(openverse, EverySearch(), Stock(tmp_path / "file" / "photo_stock.sqlite3"))
    assert take(pool, TEAPOT).asked == TEAPOT


def test_a_stock_of_words_that_no_network_knows_any_more_is_not_served(images, pool, tmp_path):
    take(pool, TEAPOT)
    with closing(sqlite3.connect(tmp_path / "photo_stock.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM photo").fetchone() == (19,)
    images.answers[IMAGES] = Answer(429)
    assert outcome(pool, WOK, exact=False) == "failed"
