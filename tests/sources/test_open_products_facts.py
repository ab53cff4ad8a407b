import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from local_sources import SEARCH, Answer, LocalOpenProductsFacts, draw_picture, json_answer

from app.errors import SourceUnavailable
from app.settings import Settings
from app.sources import open_products_facts, open_source
from app.sources.fetch import Fetcher
from app.sources.open_products_facts import (
    MAX_PAGES,
    MAX_SEARCHES,
    PHOTOS_A_CLICK,
    OpenProductsFacts,
    clean_title,
    read_product,
)

BUDGET = 0.4
LATE = BUDGET + 0.6  # what a slow machine may add


@pytest.fixture
def server() -> Iterator[LocalOpenProductsFacts]:
    with LocalOpenProductsFacts() as server:
        yield server


@pytest.fixture
def source(server) -> OpenProductsFacts:
    return OpenProductsFacts(server.url, Fetcher("catalogue@example.org"), BUDGET * 5)


def refuse(source: OpenProductsFacts) -> None:
    with pytest.raises(SourceUnavailable):
        source.random_photo()


def test_a_click_gives_a_photo_and_its_credit(server):
    settings = Settings(contact="catalogue@example.org", open_products_facts_url=f"{server.url}/")
    found = open_source(settings).random_photo()
    product = next(p for p in server.products if p["product_name"] == found.origin.title)
    assert found.data == draw_picture(server.products.index(product))
    assert found.origin.source == "Open Products Facts"
    assert found.origin.credit == "Open Products Facts contributors"
    assert found.origin.licence == "CC BY-SA 3.0"
    assert found.origin.page_url == f"{server.url}/product/{product['code']}"
    assert all("catalogue@example.org" in request.headers["User-Agent"] for request in server.requests)


def test_the_search_is_asked_as_documented(server, source):
    source.random_photo()
    query = server.asked(SEARCH)[0].query
    assert query["fields"] == "code,product_name,image_front_url"
    assert query["page_size"] == "24"
    assert 1 <= int(query["page"]) <= MAX_PAGES


def test_one_search_serves_many_clicks(server, source):
    titles = {source.random_photo().origin.title for _ in range(24)}
    assert len(titles) == 24
    assert len(server.asked(SEARCH)) == 1


def test_an_empty_pool_is_filled_by_the_next_search(server, source):
    for _ in range(25):
        source.random_photo()
    assert len(server.asked(SEARCH)) == 2


def test_one_search_serves_clicks_at_the_same_time(server, source):
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: source.random_photo(), range(24)))
    assert len({photo.origin.title for photo in found}) == 24
    assert len(server.asked(SEARCH)) == 1


def test_pages_are_chosen_within_the_count_of_the_last_answer(server, source):
    server.count = 30  # two pages; the first search may well ask for one beyond
    for _ in range(24 * 5):
        source.random_photo()
    assert {int(search.query["page"]) for search in server.asked(SEARCH)[1:]} <= {1, 2}


@pytest.mark.parametrize("count", [None, "many", -5, 0, 10**30])
def test_an_odd_count_is_survived(server, source, count):
    server.answers[SEARCH] = json_answer({"count": count, "products": server.products[:1]})
    source.random_photo()
    source.random_photo()
    assert 1 <= int(server.asked(SEARCH)[1].query["page"]) <= MAX_PAGES


def test_products_without_a_picture_or_a_name_are_skipped(server, source):
    good = server.products[0]
    image = good["image_front_url"]
    odd = [
        {"code": "1", "product_name": "No picture"},
        {"code": "2", "product_name": "Null picture", "image_front_url": None},
        {"code": "3", "product_name": "Empty picture", "image_front_url": ""},
        {"code": "4", "product_name": "A path", "image_front_url": "/etc/passwd"},
        {"code": "5", "product_name": "Many pictures", "image_front_url": [image]},
        {"code": "6", "product_name": None, "image_front_url": image},
        {"code": "7", "product_name": " \u202e ", "image_front_url": image},
        {"code": "8", "image_front_url": image},
        "a string",
        None,
        [],
    ]
    server.answers[SEARCH] = json_answer({"count": 24, "products": [*odd, good]})
    titles = {source.random_photo().origin.title for _ in range(3)}
    assert titles == {good["product_name"]}
    assert len(server.asked(SEARCH)) == 3


@pytest.mark.parametrize(
    "answer",
    [
        {"count": 0, "products": []},
        {"count": 24, "products": None},
        {"count": 24, "products": ["a", "b"]},
        {"count": 24, "products": {"code": "1"}},
        {"status": "error"},
        ["a", "b"],
        None,
        5,
    ],
    ids=json.dumps,
)
def test_an_answer_without_products_is_refused(server, source, answer):
    server.answers[SEARCH] = json_answer(answer)
    refuse(source)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, "text/html", b"<h1>Too many requests</h1>"),
        Answer(200, "text/html", b"<h1>Maintenance</h1>"),
        Answer(200, "application/json", b"<h1>Maintenance</h1>"),
    ],
    ids=["503", "html", "html called json"],
)
def test_a_search_that_fails_is_refused(server, source, answer):
    server.answers[SEARCH] = answer
    refuse(source)
    assert len(server.requests) == 1


def test_a_server_that_is_down_is_refused_at_once(server):
    server.stop()
    started = time.monotonic()
    refuse(OpenProductsFacts(server.url, Fetcher("contact")))
    assert time.monotonic() - started < 1


def test_the_source_recovers_with_the_server(server, source):
    working = server.answers[SEARCH]
    server.answers[SEARCH] = Answer(503)
    refuse(source)
    server.answers[SEARCH] = working
    assert source.random_photo().data


@pytest.mark.parametrize(
    "picture",
    [
        Answer(404, "text/html", b"gone"),
        Answer(200, "text/html", b"<p>Please log in"),
        Answer(200, "image/jpeg", b"<p>Please log in"),
        Answer(200, "image/jpeg", draw_picture()[:2000]),
        Answer(200, "image/jpeg", draw_picture(size=(199, 150))),
    ],
    ids=["404", "html", "html called a picture", "damaged", "small"],
)
def test_a_photo_that_cannot_be_used_is_replaced_by_the_next(server, source, picture):
    good, *others = server.products[:PHOTOS_A_CLICK]
    for other in others:
        server.answers[server.picture_path(other)] = picture
    server.answers[SEARCH] = json_answer({"count": 24, "products": [good, *others]})
    assert source.random_photo().origin.title == good["product_name"]


def test_a_click_tries_three_photos(server, source):
    for product in server.products:
        server.answers[server.picture_path(product)] = Answer(404)
    refuse(source)
    assert len(server.requests) == 1 + PHOTOS_A_CLICK


def test_slow_photos_end_with_the_budget(server):
    for product in server.products:
        server.answers[server.picture_path(product)] = Answer(200, "image/jpeg", server.drip(b"x"))
    started = time.monotonic()
    refuse(OpenProductsFacts(server.url, Fetcher("contact"), BUDGET))
    assert BUDGET <= time.monotonic() - started < LATE


def test_clicks_that_wait_for_a_slow_search_end_with_their_budget(server):
    server.answers[SEARCH] = Answer(body=server.drip(b" "))
    source = OpenProductsFacts(server.url, Fetcher("contact"), BUDGET)
    started = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: refuse(source), range(4)))
    assert time.monotonic() - started < LATE


def test_no_more_than_ten_searches_are_made_in_a_minute(server, source):
    server.answers[SEARCH] = json_answer({"count": 0, "products": []})
    for _ in range(MAX_SEARCHES + 2):
        refuse(source)
    assert len(server.asked(SEARCH)) == MAX_SEARCHES == 10


def test_searches_go_on_after_a_minute(server, source, monkeypatch):
    server.answers[SEARCH] = Answer(503)
    for _ in range(MAX_SEARCHES):
        refuse(source)
    monkeypatch.setattr(open_products_facts, "WINDOW_SECONDS", 0.0)
    refuse(source)
    assert len(server.asked(SEARCH)) == MAX_SEARCHES + 1


def test_a_full_pool_serves_clicks_when_the_searches_are_used_up(server, source):
    working = server.answers[SEARCH]
    server.answers[SEARCH] = Answer(503)
    for _ in range(MAX_SEARCHES - 1):
        refuse(source)
    server.answers[SEARCH] = working
    assert [source.random_photo() for _ in range(24)]
    refuse(source)


@pytest.mark.parametrize("size", ["100", "200", "400", "full"])
def test_the_picture_of_400_pixels_is_taken(size):
    address = f"https://images.example/images/products/376/1/front_fr.4.{size}.jpg"
    product = read_product({"code": "376", "product_name": "Lamp", "image_front_url": address})
    assert product is not None
    assert product.image_url == "https://images.example/images/products/376/1/front_fr.4.400.jpg"


@pytest.mark.parametrize("code", [None, "", "../admin", "12a", "٣", "1" * 25, "12\n", True])
def test_a_code_that_is_no_number_gives_no_link(server, source, code):
    server.answers[SEARCH] = json_answer({"count": 1, "products": [{**server.products[0], "code": code}]})
    assert source.random_photo().origin.page_url == ""


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("  Table \n\t lamp ", "Table lamp"),
        ("Lamp\u202e\u2066gpj\x00\x1b[31m", "Lampgpj[31m"),
        ("Lamp \ud800", "Lamp"),
        ("<b>Lamp</b>", "<b>Lamp</b>"),
        ("é" * 1_000_000, "é" * 200),
    ],
    ids=["spaces", "bidi and control", "surrogate", "html", "long"],
)
def test_a_title_is_one_short_visible_line(name, title):
    assert clean_title(name) == title
