"""Random photos of a category: what was asked for, what the network says, and the running score."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from unittest import mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token
from local_sources import IMAGES, Answer, LocalOpenverse, json_answer
from werkzeug.test import TestResponse

from app import create_app
from app.errors import HistoryUnavailable, UnknownCategory
from app.recognition.mapping import read_map
from app.recognition.service import ModelService
from app.recognition.taxonomy import Category
from app.settings import DEFAULT_MODEL, Settings


@pytest.fixture
def openverse(coffee: bytes) -> Iterator[LocalOpenverse]:
    """Openverse, where every photo shows the same cup of coffee."""
    with LocalOpenverse(photos=3) as openverse:
        for number in range(9):
            path = openverse.make_photo(number)["thumbnail"].removeprefix(openverse.url)
            openverse.answers[path] = Answer(200, "image/jpeg", coffee)
        openverse.make_photo = mock.Mock(side_effect=lambda *given: photo(openverse, *given))
        yield openverse


def photo(openverse: LocalOpenverse, number: int, words: str) -> dict[str, object]:
    with mock.patch.object(openverse, "answers"):
        return LocalOpenverse.make_photo(openverse, number, words)


@pytest.fixture
def settings(settings: Settings, openverse: LocalOpenverse) -> Settings:
    return replace(settings, photo_sources=("openverse",), openverse_url=openverse.url)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search as often as need be: the limit of one a second has tests of its own."""
    monkeypatch.setattr("app.sources.pool.BasePool._may_search", lambda _: True)


def category_of(app: Flask, slug: str) -> Category:
    categories = app.extensions["site"].models.taxonomy.categories
    return next(category for category in categories if category.slug == slug)


def press(client: FlaskClient, category: Category | str = "") -> TestResponse:
    """Press the button for a random photo, perhaps of a category or of what a form may have instead."""
    number = str(category.category_id) if isinstance(category, Category) else category
    form = {"csrf_token": csrf_token(client), "category": number}
    return client.post("/classify/random", data=form)


def read(page: str) -> str:
    """Read a page as plain text."""
    return " ".join(unescape(re.sub("<[^>]+>", " ", page)).split())


def best_of(app: Flask, client: FlaskClient) -> Category:
    """Ask for anything, and return what the network says of the photo."""
    page = client.get(press(client).location).text
    found = re.search(r'<ol class="categories">.*?/categories/([0-9]+)"', page, re.DOTALL)
    assert found
    return app.extensions["site"].models.taxonomy.by_id[int(found[1])]


def test_a_random_photo_is_of_a_category_of_the_network_with_its_credit_licence_and_link(
    client: FlaskClient, openverse: LocalOpenverse
) -> None:
    page = client.get(press(client).location).text
    assert '<a href="https://photos.example.org/' in page
    assert "Openverse · Ann" in page
    assert '<a href="https://creativecommons.org/licenses/by-sa/4.0/"' in page
    assert "CC BY-SA 4.0" in page
    assert openverse.asked(IMAGES)


def test_what_was_asked_for_stands_beside_what_the_network_says(app: Flask, client: FlaskClient) -> None:
    best = best_of(app, client)
    page = read(client.get(press(client, category_of(app, "teapot")).location).text)
    assert f"Asked for Teapot: the network says {best.name_en}" in page
    page = read(client.get(press(client, best).location).text)
    assert f"Asked for {best.name_en}: the network agrees" in page


def test_what_was_asked_for_is_told_in_french(app: Flask, client: FlaskClient) -> None:
    best = best_of(app, client)
    client.get("/language/fr")
    page = read(client.get(press(client, category_of(app, "teapot")).location).text)
    assert f"Demandé Théière : le réseau dit {best.name_fr}" in page


def test_the_score_of_a_session_runs_on(app: Flask, client: FlaskClient) -> None:
    teapot, best = category_of(app, "teapot"), best_of(app, client)
    client = app.test_client()
    pages = [read(client.get(press(client, one).location).text) for one in (teapot, best, best)]
    assert "Agreed in this session: 0 of 1" in pages[0]
    assert "Agreed in this session: 1 of 2" in pages[1]
    assert "Agreed in this session: 2 of 3" in pages[2]


def test_each_session_has_a_score_of_its_own(app: Flask, client: FlaskClient) -> None:
    press(client)
    other = app.test_client()
    page = read(other.get(press(other, category_of(app, "teapot")).location).text)
    assert "Agreed in this session: 0 of 1" in page


def test_the_history_says_what_was_asked_for(app: Flask, client: FlaskClient) -> None:
    press(client, category_of(app, "teapot"))
    assert "asked for: Teapot" in read(client.get("/classify/history").text)


def test_an_answer_that_cannot_be_kept_says_what_was_asked_for(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"csrf_token": csrf_token(client), "category": category_of(app, "teapot").category_id}
    monkeypatch.setattr(app.extensions["site"].history, "add", mock.Mock(side_effect=HistoryUnavailable))
    assert "Asked for Teapot" in read(client.post("/classify/random", data=form).text)


def test_the_page_of_a_category_leads_to_a_button_that_asks_for_it(app: Flask, client: FlaskClient) -> None:
    teapot = category_of(app, "teapot")
    page = client.get(f"/categories/{teapot.category_id}").text
    path = f"/classify/?category={teapot.category_id}"
    assert f'href="{path}#random"' in page
    page = client.get(path).text
    assert "Random photo: Teapot" in page
    assert f'<input type="hidden" name="category" value="{teapot.category_id}"' in page
    assert 'id="random"' in page


def test_without_a_source_that_knows_categories_their_pages_offer_no_photo(settings: Settings) -> None:
    app = create_app(replace(settings, photo_sources=("dummyjson",)))
    page = app.test_client().get(f"/categories/{category_of(app, 'teapot').category_id}").text
    assert "A random photo of this category" not in page


@pytest.mark.parametrize("category", ["0", "-1", "teapot", "9" * 3000, ""])
def test_an_address_with_an_unknown_category_shows_the_usual_button(
    client: FlaskClient, category: str
) -> None:
    assert "Random photo</button>" in client.get("/classify/", query_string={"category": category}).text


@pytest.mark.parametrize("category", ["0", "teapot", "1000010653.0", "9" * 3000])
def test_an_unknown_category_is_refused(
    client: FlaskClient, openverse: LocalOpenverse, category: str
) -> None:
    answer = press(client, category)
    assert (answer.status_code, str(UnknownCategory.sentence) in answer.text) == (400, True)
    assert openverse.requests == []


@pytest.mark.parametrize(
    "fault", [Answer(429, headers={"Retry-After": "600"}), Answer(503), json_answer({"results": []})]
)
def test_a_category_of_which_no_photo_comes_is_named_in_a_sentence(
    app: Flask, client: FlaskClient, openverse: LocalOpenverse, fault: Answer
) -> None:
    openverse.answers[IMAGES] = fault
    answer = press(client, category_of(app, "teapot"))
    assert answer.status_code == 503
    assert "No photo of “Teapot” could be fetched from the web right now" in answer.text
    client.get("/language/fr")
    assert (
        "Aucune photo de «\N{NO-BREAK SPACE}Théière\N{NO-BREAK SPACE}»"
        in press(client, category_of(app, "teapot")).text
    )


def test_in_another_catalogue_what_was_asked_for_has_its_name_there(
    app: Flask, settings: Settings, tmp_path: Path
) -> None:
    """The network's categories are searched for, and the answers compared as they are named."""
    path = tmp_path / "shop.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["category_id", "id", "name_en", "name_fr"])
        for category in app.extensions["site"].models.taxonomy.categories:
            rows.writerow([category.category_id, "A-1", "Anything", "Tout"])
    shop = create_app(replace(settings, taxonomy_map=read_map(path)))
    client = shop.test_client()
    mapped = ModelService(settings.weights / DEFAULT_MODEL, mapping=read_map(path))
    mapped.wait()
    shop.extensions["site"].models.loaded[DEFAULT_MODEL] = mapped
    page = read(client.get(press(client, category_of(app, "teapot")).location).text)
    assert "Asked for Anything: the network agrees" in page
