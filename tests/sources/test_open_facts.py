import json

import pytest
from local_sources import SEARCH, Answer, draw_picture, json_answer

from app.errors import UrlUnavailable
from app.sources.fetch import Deadline
from app.sources.open_facts import LICENCE_URL, MAX_PAGES


def test_a_search_lists_products_with_title_credit_licence_and_page(server, source):
    listed = source.search(Deadline())
    assert len(listed) == 24
    origin = listed[3].origin
    assert (origin.source, origin.title) == ("Open Products Facts", "Product number 3")
    assert origin.credit == "Open Products Facts contributors"
    assert (origin.licence, origin.licence_url) == ("CC BY-SA 3.0", LICENCE_URL)
    assert origin.page_url == f"{server.url}/product/{server.products[3]['code']}"


def test_a_listed_photo_can_be_loaded(source):
    listed = source.search(Deadline())
    assert source.load(listed[5], Deadline()) == draw_picture(5)


def test_every_request_names_the_site_and_its_contact(server, source):
    source.load(source.search(Deadline())[0], Deadline())
    assert len(server.requests) == 2
    assert all("catalogue@example.org" in request.headers["User-Agent"] for request in server.requests)


def test_the_search_is_asked_as_documented(server, source):
    source.search(Deadline())
    query = server.asked(SEARCH)[0].query
    assert query["fields"] == "code,product_name,image_front_url"
    assert query["page_size"] == "24"
    assert 1 <= int(query["page"]) <= MAX_PAGES


def test_pages_are_chosen_within_the_count_of_the_last_answer(server, source):
    server.count = 30  # two pages; the first search may well ask for one beyond
    for _ in range(20):
        source.search(Deadline())
    assert {int(search.query["page"]) for search in server.asked(SEARCH)[1:]} == {1, 2}


@pytest.mark.parametrize("count", [None, "many", -5, 0, 10**30])
def test_an_odd_count_is_survived(server, source, count):
    server.answers[SEARCH] = json_answer({"count": count, "products": server.products[:1]})
    source.search(Deadline())
    source.search(Deadline())
    assert 1 <= int(server.asked(SEARCH)[1].query["page"]) <= MAX_PAGES


def test_products_without_a_picture_or_a_name_are_skipped(server, source):
    good = server.products[0]
    image = good["image_front_url"]
    odd = [
        {"code": "1", "product_name": "No picture"},
        {"code": "2", "product_name": "Null picture", "image_front_url": None},
        {"code": "5", "product_name": "Many pictures", "image_front_url": [image]},
        {"code": "6", "product_name": None, "image_front_url": image},
        {"code": "7", "product_name": " \u202e ", "image_front_url": image},
        {"code": "8", "image_front_url": image},
        "a string",
        None,
        [],
    ]
    server.answers[SEARCH] = json_answer({"count": 24, "products": [*odd, good]})
    assert [listed.origin.title for listed in source.search(Deadline())] == [good["product_name"]]


@pytest.mark.parametrize(
    "answer",
    [
        {"count": 24, "products": None},
        {"count": 24, "products": {"code": "1"}},
        {"status": "error"},
        ["a", "b"],
        None,
        5,
    ],
    ids=json.dumps,
)
def test_an_answer_without_a_list_of_products_is_refused(server, source, answer):
    server.answers[SEARCH] = json_answer(answer)
    with pytest.raises(UrlUnavailable):
        source.search(Deadline())


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
    with pytest.raises(UrlUnavailable):
        source.search(Deadline())


@pytest.mark.parametrize("size", ["100", "200", "400", "full"])
def test_the_picture_of_400_pixels_is_taken(server, source, size):
    address = f"{server.url}/images/products/376/1/front_fr.4.{size}.jpg"
    product = {"code": "376", "product_name": "Lamp", "image_front_url": address}
    server.answers[SEARCH] = json_answer({"count": 1, "products": [product]})
    assert source.search(Deadline())[0].where == f"{server.url}/images/products/376/1/front_fr.4.400.jpg"


@pytest.mark.parametrize("code", [None, "", "../admin", "12a", "٣", "1" * 25, "12\n", True])
def test_a_code_that_is_not_a_number_gives_no_link(server, source, code):
    server.answers[SEARCH] = json_answer({"count": 1, "products": [{**server.products[0], "code": code}]})
    assert source.search(Deadline())[0].origin.page_url == ""
