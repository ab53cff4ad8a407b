import json

import pytest
from local_sources import PRODUCTS, draw_picture, json_answer

from app.errors import UrlUnavailable
from app.sources.fetch import Deadline


def test_a_search_lists_products_with_title_credit_licence_and_page(dummy, dummyjson):
    dummy.answers[PRODUCTS] = json_answer({"products": dummy.products[4:5], "total": 30})
    (listed,) = dummyjson.search(Deadline())
    origin = listed.origin
    assert (origin.source, origin.title, origin.credit) == ("DummyJSON", "Thing 4", "sample data")
    assert (origin.licence, origin.licence_url) == ("no licence stated", "")
    assert origin.page_url == f"{dummy.url}/products/4"
    assert dummyjson.load(listed, Deadline()) == draw_picture(4)


def test_the_search_is_asked_as_documented(dummy, dummyjson):
    dummyjson.search(Deadline())
    query = dummy.asked(PRODUCTS)[0].query
    assert query["select"] == "id,title,category,thumbnail,images"
    assert query["limit"] == "24"
    assert 0 <= int(query["skip"]) < 194


def test_products_are_chosen_within_the_total_of_the_last_answer(dummy, dummyjson):
    for _ in range(10):
        dummyjson.search(Deadline())
    assert all(int(search.query["skip"]) < 30 for search in dummy.asked(PRODUCTS)[1:])


def test_a_product_without_pictures_shows_its_thumbnail_and_one_without_either_is_skipped(dummy, dummyjson):
    url = f"{dummy.url}/a.jpg"
    odd = [
        {"id": "x", "title": "Thumbnail", "thumbnail": url, "images": []},
        {"id": True, "title": "Null pictures", "thumbnail": url, "images": None},
        {"id": 3, "title": "Nothing", "images": []},
        {"id": 4, "title": None, "thumbnail": url},
        {"id": 5, "thumbnail": url},
        None,
    ]
    dummy.answers[PRODUCTS] = json_answer({"products": odd, "total": "many"})
    listed = dummyjson.search(Deadline())
    assert [one.origin.title for one in listed] == ["Thumbnail", "Null pictures"]
    assert [(one.where, one.origin.page_url) for one in listed] == [(url, ""), (url, "")]


@pytest.mark.parametrize("answer", [{"message": "error"}, {"products": None}, [], None], ids=json.dumps)
def test_an_answer_without_a_list_of_products_is_refused(dummy, dummyjson, answer):
    dummy.answers[PRODUCTS] = json_answer(answer)
    with pytest.raises(UrlUnavailable):
        dummyjson.search(Deadline())
