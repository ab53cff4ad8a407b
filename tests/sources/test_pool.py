import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from local_sources import COMMONS, CONTACT, SEARCH, Answer, draw_picture, json_answer

from app.recognition.photos import fingerprint, open_photo
from app.sources import pool as pool_module
from app.sources.fetch import Deadline, Fetcher
from app.sources.folder import Folder
from app.sources.pool import FAILURES, MIN_SIDE, PHOTOS_A_CLICK, FoundPhoto, Pool, SourceFault
from app.sources.rates import USUAL, SqliteSearchLog
from app.sources.wikimedia_commons import WikimediaCommons

BUDGET = 0.4
SEARCHES = USUAL[0].searches


@pytest.fixture
def pool(source, searches) -> Pool:
    return Pool(source, searches)


def take(pool: Pool, *seen: str, budget: float = 60.0) -> FoundPhoto:
    return pool.photo(seen, Deadline(budget))


def outcome(pool: Pool, *seen: str, budget: float = 60.0) -> str:
    """Check that the pool gives no photo, and say how that is counted."""
    with pytest.raises(SourceFault) as fault:
        take(pool, *seen, budget=budget)
    return fault.value.outcome


def broken(server, picture: Answer) -> None:
    """Answer every picture of the source with `picture`."""
    for product in server.products:
        server.answers[server.picture_path(product)] = picture


def test_a_photo_comes_decoded_with_its_origin(server, pool):
    found = take(pool)
    number = [product["product_name"] for product in server.products].index(found.origin.title)
    assert found.picture == open_photo(draw_picture(number))


def test_a_photo_tells_how_long_it_took_to_decode(pool):
    started = time.perf_counter()
    assert 0 < take(pool).decoding < time.perf_counter() - started


def test_one_search_serves_many_clicks(server, pool):
    titles = {take(pool).origin.title for _ in range(24)}
    assert len(titles) == 24
    assert len(server.asked(SEARCH)) == 1


def test_an_empty_stock_is_filled_by_the_next_search(server, pool):
    for _ in range(25):
        take(pool)
    assert len(server.asked(SEARCH)) == 2


def test_one_search_serves_clicks_at_the_same_time(server, pool):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: take(pool), range(24)))
    assert len({photo.origin.title for photo in found}) == 24
    assert len(server.asked(SEARCH)) == 1


@pytest.mark.parametrize(
    "picture",
    [
        Answer(404, "text/html", b"gone"),
        Answer(200, "text/html", b"<p>Please log in"),
        Answer(200, "image/jpeg", b"<p>Please log in" * 10),
        Answer(200, "image/jpeg", draw_picture()[:2000]),
        Answer(200, "image/jpeg", draw_picture(size=(400, MIN_SIDE - 1))),
    ],
    ids=["404", "html", "html called a picture", "damaged", "small"],
)
def test_a_photo_that_cannot_be_used_is_replaced_by_the_next(server, pool, picture):
    good, *others = server.products[:PHOTOS_A_CLICK]
    for other in others:
        server.answers[server.picture_path(other)] = picture
    server.answers[SEARCH] = json_answer({"count": 24, "products": [good, *others]})
    assert take(pool).origin.title == good["product_name"]


def test_a_photo_of_the_least_size_is_used(server, pool):
    broken(server, Answer(200, "image/jpeg", draw_picture(size=(400, MIN_SIDE))))
    assert take(pool).picture.size == (400, MIN_SIDE)


def test_a_click_tries_three_photos(server, pool):
    broken(server, Answer(200, "image/jpeg", draw_picture(size=(400, MIN_SIDE - 1))))
    assert outcome(pool) == "unusable"
    assert len(server.requests) == 1 + PHOTOS_A_CLICK


@pytest.mark.parametrize(
    "where", ["https://127.0.0.1/a.jpg", "file:///etc/passwd", "/a.jpg", "", "http://10.0.0.1/"]
)
def test_row_18_a_source_whose_photos_lie_inward_gives_none(server, pool, where):
    inward = [product | {"image_front_url": where} for product in server.products]
    server.answers[SEARCH] = json_answer({"count": 24, "products": inward})
    assert outcome(pool) == "unusable"
    assert len(server.requests) == 1


def test_a_photo_that_was_seen_is_passed_over(server, pool):
    first, second = server.products[:2]
    server.answers[SEARCH] = json_answer({"count": 24, "products": [first, second]})
    seen = fingerprint(open_photo(draw_picture(0)))
    assert {take(pool, seen).origin.title for _ in range(4)} == {second["product_name"]}


def test_a_copy_of_a_seen_photo_in_another_file_is_passed_over(pool, server):
    other_file = draw_picture(0).replace(b"JFIF", b"JFXX", 1)
    assert other_file != draw_picture(0)
    broken(server, Answer(200, "image/jpeg", other_file))
    assert outcome(pool, fingerprint(open_photo(draw_picture(0)))) == "unusable"


def test_however_many_were_seen_the_one_that_was_not_is_found(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.jpg").write_bytes(draw_picture(number))
    seen = {fingerprint(open_photo(draw_picture(number))) for number in range(20) if number != 7}
    for _ in range(3):
        assert take(Pool(Folder(tmp_path), None), *seen).origin.title == "7"


def test_a_seen_photo_is_offered_where_there_is_no_other(tmp_path):
    (tmp_path / "only.jpg").write_bytes(draw_picture())
    seen = fingerprint(open_photo(draw_picture()))
    with pytest.raises(SourceFault) as fault:
        take(Pool(Folder(tmp_path), None), seen)
    assert fault.value.repeated.origin.title == "only"


def test_a_folder_may_be_searched_as_often_as_need_be(tmp_path):
    (tmp_path / "only.jpg").write_bytes(draw_picture())
    pool = Pool(Folder(tmp_path), None)
    assert len([take(pool) for _ in range(3 * SEARCHES)]) == 3 * SEARCHES


@pytest.mark.parametrize("fault", ["limited", "failed"])
def test_a_seen_photo_is_offered_where_no_further_search_succeeds(server, pool, searches, fault):
    server.answers[SEARCH] = json_answer({"count": 24, "products": server.products[:1]})
    seen = fingerprint(open_photo(draw_picture(0)))
    listed = server.answers[SEARCH]

    def once(exchange):
        if fault == "limited":
            while searches.admit(pool.name):
                pass
        listed(exchange)
        server.answers[SEARCH] = Answer(500)

    server.answers[SEARCH] = once
    with pytest.raises(SourceFault) as found:
        take(pool, seen)
    assert found.value.outcome == fault
    assert found.value.repeated.origin.title == "Product number 0"


def test_a_source_that_lists_nothing_is_unusable_and_does_not_rest(server, pool):
    server.answers[SEARCH] = json_answer({"count": 0, "products": []})
    assert [outcome(pool) for _ in range(FAILURES + 1)] == ["unusable"] * (FAILURES + 1)


def test_three_failures_in_a_row_let_a_source_rest(server, pool):
    server.answers[SEARCH] = Answer(500)
    assert [outcome(pool) for _ in range(FAILURES + 1)] == ["failed", "failed", "failed", "resting"]
    assert len(server.requests) == FAILURES


def test_a_source_that_had_hardly_any_time_is_not_blamed(server, pool):
    working = server.answers[SEARCH]
    server.answers[SEARCH] = Answer(500)
    assert [outcome(pool, budget=BUDGET) for _ in range(FAILURES)] == ["failed"] * FAILURES
    server.answers[SEARCH] = working
    assert take(pool)


def test_photos_that_cannot_be_fetched_are_failures_too(server, pool):
    broken(server, Answer(500))
    assert [outcome(pool) for _ in range(FAILURES + 1)] == ["failed", "failed", "failed", "resting"]


def test_a_photo_in_between_restarts_the_count(server, pool):
    working = server.answers[SEARCH]
    server.answers[SEARCH] = Answer(500)
    assert [outcome(pool) for _ in range(FAILURES - 1)] == ["failed", "failed"]
    server.answers[SEARCH] = working
    assert take(pool)
    broken(server, Answer(500))
    assert [outcome(pool) for _ in range(FAILURES)] == ["failed"] * FAILURES


def test_a_rested_source_is_asked_again(server, pool, monkeypatch):
    monkeypatch.setattr(pool_module, "REST_SECONDS", 0.0)
    working = server.answers[SEARCH]
    server.answers[SEARCH] = Answer(500)
    for _ in range(FAILURES):
        outcome(pool)
    server.answers[SEARCH] = working
    assert take(pool)


def test_a_source_that_asks_to_be_left_alone_rests_at_once(commons, wikimedia, searches):
    commons.answers[COMMONS] = Answer(429, headers={"Retry-After": "30"})
    pool = Pool(wikimedia, searches)
    assert [outcome(pool) for _ in range(2)] == ["failed", "resting"]
    assert len(commons.requests) == 1


def test_too_many_requests_for_photos_let_a_source_rest_at_once(server, pool):
    broken(server, Answer(429))
    assert [outcome(pool) for _ in range(2)] == ["failed", "resting"]
    assert len(server.requests) == 2


def test_requests_to_wikimedia_are_made_one_at_a_time_by_all_processes_together(commons, searches, tmp_path):
    fetchers = [Fetcher(CONTACT, commons.url, alone=tmp_path / "lock") for _ in range(2)]
    pools = [Pool(WikimediaCommons(commons.url, ("Teapots",), fetcher), searches) for fetcher in fetchers]
    running, most = 0, 0
    for path, answer in commons.answers.items():

        def watched(exchange, answer=answer):
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(0.02)  # so that others would come meanwhile
            running -= 1
            answer(exchange)

        commons.answers[path] = watched
    with ThreadPoolExecutor(5) as threads:
        assert len(list(threads.map(lambda number: take(pools[number % 2]), range(6)))) == 6
    assert most == 1


def test_slow_photos_end_with_the_budget(server, pool):
    broken(server, Answer(200, "image/jpeg", server.drip(b"x")))
    started = time.monotonic()
    assert outcome(pool, budget=BUDGET) == "failed"
    assert time.monotonic() - started >= BUDGET


def test_clicks_that_wait_for_a_slow_search_end_with_their_budget(server, pool):
    server.answers[SEARCH] = Answer(body=server.drip(b" "))
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(lambda _: outcome(pool, budget=BUDGET), range(4)))
    assert outcomes == ["failed"] * 4


def test_a_source_is_searched_ten_times_a_minute_by_all_processes_together(server, source, tmp_path):
    server.answers[SEARCH] = json_answer({"count": 24, "products": server.products[:1]})
    pools = [Pool(source, SqliteSearchLog(tmp_path / "searches.sqlite3")) for _ in range(2)]
    for number in range(SEARCHES):
        take(pools[number % 2])
    assert [outcome(pool) for pool in pools] == ["limited", "limited"]
    assert len(server.asked(SEARCH)) == SEARCHES


def test_without_the_shared_count_each_process_keeps_the_limit_for_itself(server, source, tmp_path):
    (tmp_path / "file").touch()
    pool = Pool(source, SqliteSearchLog(tmp_path / "file" / "searches.sqlite3"))
    server.answers[SEARCH] = json_answer({"count": 24, "products": server.products[:1]})
    for _ in range(SEARCHES):
        take(pool)
    assert outcome(pool) == "limited"
    assert len(server.asked(SEARCH)) == SEARCHES


def test_a_full_stock_serves_clicks_when_the_searches_are_used_up(pool, searches):
    take(pool)
    while searches.admit(pool.name):
        pass
    assert len([take(pool) for _ in range(23)]) == 23
    assert outcome(pool) == "limited"
