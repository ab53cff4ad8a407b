import json

import pytest
from local_sources import FOOD, Answer, draw_picture, json_answer

from app.errors import UrlUnavailable
from app.sources.fetch import Deadline
from app.sources.open_food_facts import FOODS, MAX_PAGES


def test_a_search_lists_products_with_title_credit_licence_and_page(food, open_food_facts):
    listed = open_food_facts.search(Deadline())
    assert len(listed) == 24
    origin = listed[3].origin
    assert (origin.source, origin.title) == ("Open Food Facts", "Honey 3")
    assert (origin.credit, origin.licence) == ("Open Food Facts contributors", "CC BY-SA 3.0")
    assert origin.page_url == f"https://world.openfoodfacts.org/product/{food.hits[3]['code']}"
    assert open_food_facts.load(listed[3], Deadline()) == draw_picture(3)


def test_the_search_is_asked_as_documented(food, open_food_facts):
    open_food_facts.search(Deadline())
    query = food.asked(FOOD)[0].query
    assert query["q"] in FOODS
    assert query["fields"] == "code,product_name,image_front_url"
    assert (query["page"], query["page_size"]) == ("1", "24")


def test_pages_are_chosen_within_those_that_a_food_has(food, open_food_facts, monkeypatch):
    monkeypatch.setattr("app.sources.open_food_facts.FOODS", ("honey",))
    for _ in range(60):
        open_food_facts.search(Deadline())
    assert {search.query["page"] for search in food.asked(FOOD)} == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize("count", [None, "many", -5, 0, 10**30])
def test_an_odd_number_of_pages_is_survived(food, open_food_facts, monkeypatch, count):
    monkeypatch.setattr("app.sources.open_food_facts.FOODS", ("honey",))
    food.answers[FOOD] = json_answer({"page_count": count, "hits": food.hits})
    for _ in range(2):
        open_food_facts.search(Deadline())
    assert 1 <= int(food.asked(FOOD)[1].query["page"]) <= MAX_PAGES


@pytest.mark.parametrize(
    "answer", [{"errors": [{"title": "index"}]}, {"hits": None}, [], None, 5], ids=json.dumps
)
def test_an_answer_without_hits_is_refused(food, open_food_facts, answer):
    food.answers[FOOD] = json_answer(answer)
    with pytest.raises(UrlUnavailable):
        open_food_facts.search(Deadline())


def test_a_search_that_is_down_is_refused(food, open_food_facts):
    food.answers[FOOD] = Answer(503, "text/html", b"<h1>Down</h1>")
    with pytest.raises(UrlUnavailable):
        open_food_facts.search(Deadline())
