"""Correct an answer: by a click, by a search without script; what needs review, and where that shows."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token
from made_up import entry_of
from markupsafe import escape
from PIL import Image
from pyarrow import parquet
from werkzeug.test import TestResponse

from app import create_app
from app.corrections.redis import RedisCorrections
from app.corrections.store import Correction, CorrectionStore, newest
from app.errors import CorrectionsUnavailable
from app.history.entry import Entry
from app.history.redis import RedisHistory
from app.history.store import HistoryStore
from app.recognition.gate import Gate
from app.recognition.origin import Origin
from app.recognition.photos import RETAINED_SIDE, THUMBNAIL_SIDE, thumbnail
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings

HISTORY = "/classify/history"
Classified = Callable[..., Entry]


def make_entry(app: Flask, verdict: str = "unsure") -> Entry:
    """Make an answer that names the first four categories of the network."""
    categories = app.extensions["site"].models.taxonomy.categories[:4]
    guesses = [category.to_json() | {"probability": 0.25} for category in categories]
    return entry_of(guesses, origin=Origin(credit="Ann"), verdict=verdict)


@pytest.fixture
def classified(app: Flask, client: FlaskClient, coffee: bytes) -> Classified:
    """Put an answer into the visitor's history."""
    client.get("/classify/")
    with client.session_transaction(path="/classify/") as session:
        owner = session.setdefault("history", "of-the-test")

    def add(verdict: str = "unsure", photo: bytes | None = None) -> Entry:
        entry = make_entry(app, verdict)
        store: HistoryStore = app.extensions["site"].history
        store.add(owner, entry, photo or thumbnail(Image.open(io.BytesIO(coffee))))
        return entry

    return add


def say(client: FlaskClient, entry: Entry, category: object, **fields: str) -> TestResponse:
    return tell(client, entry, category=str(category), **fields)


def tell(client: FlaskClient, entry: Entry, **fields: str) -> TestResponse:
    return client.post(f"/classify/{entry.id}/correct", data={"csrf_token": csrf_token(client), **fields})


def kept(app: Flask) -> list[Correction]:
    store: CorrectionStore = app.extensions["site"].corrections
    return store.all()


def photo_of(app: Flask) -> Image.Image | None:
    jpeg = app.extensions["site"].corrections.photo(kept(app)[-1].answer)
    return Image.open(io.BytesIO(jpeg)) if jpeg else None


def buttons(page: str) -> list[str]:
    return re.findall(r'<button[^>]* name="category" value="([^"]+)"', page)


def test_an_answer_offers_itself_and_its_other_three(client: FlaskClient, classified: Classified) -> None:
    entry = classified()
    page = client.get(f"/classify/{entry.id}").text
    assert buttons(page) == [str(guess["category_id"]) for guess in entry.predictions]
    [tick] = re.findall(r'name="keep_photo"[^>]*>', page)
    assert "checked" not in tick


@pytest.mark.parametrize(("place", "words"), [(0, "Confirmed"), (2, "Corrected to ")])
def test_one_click_keeps_what_is_right_and_comes_back_to_the_answer(
    app: Flask, client: FlaskClient, classified: Classified, place: int, words: str
) -> None:
    entry = classified()
    answer = say(client, entry, entry.predictions[place]["category_id"])
    assert (answer.status_code, answer.location) == (303, f"/classify/{entry.id}#correction")
    page = client.get(answer.location).text
    assert words in page
    assert "Needs review" not in page
    [correction] = kept(app)
    assert correction.right["slug"] == entry.predictions[place]["slug"]
    assert "probability" not in correction.right
    assert (correction.predictions, correction.model) == (entry.predictions, entry.model)


@pytest.mark.parametrize(("fields", "words"), [
    ({"answer": "not_a_product"}, "Not a product"),
    ({"answer": "none", "word": " <b>sledge</b>\n"}, "None of these categories: &lt;b&gt;sledge&lt;/b&gt;"),
])  # fmt: skip
def test_a_person_can_say_that_no_category_is_right_which_settles_the_review(
    app: Flask, client: FlaskClient, classified: Classified, fields: dict[str, str], words: str
) -> None:
    entry = classified("unsure")
    page = client.get(tell(client, entry, **fields).location).text
    assert words in page
    assert "Needs review" not in page
    assert kept(app)[0].right["category_id"] is None
    assert words.partition(":")[0] in client.get(HISTORY).text


def test_what_was_said_can_be_taken_back_with_its_photo(
    app: Flask, client: FlaskClient, classified: Classified
) -> None:
    entry = classified("unsure")
    say(client, entry, entry.predictions[1]["category_id"], keep_photo="1")
    page = client.get(tell(client, entry, take_back="1").location).text
    assert "Needs review" in page
    assert photo_of(app) is None
    assert newest(kept(app)) == []


def test_an_answer_that_is_settled_leads_to_the_next_to_review(
    client: FlaskClient, classified: Classified
) -> None:
    first, second = classified("unsure"), classified("unsure")
    page = client.get(say(client, second, second.predictions[0]["category_id"]).location).text
    assert "Next to review (1)" in page
    assert f'href="/classify/{first.id}"' in page


def test_without_script_the_right_category_is_searched_for_and_chosen_by_a_button(
    app: Flask, client: FlaskClient, classified: Classified
) -> None:
    entry, target = classified(), app.extensions["site"].models.taxonomy.categories[50]
    page = client.get(f"/classify/{entry.id}/correct?q={target.category_id}").text
    assert buttons(page)[-1] == str(target.category_id)
    assert "1 category found" in page
    say(client, entry, target.category_id)
    assert kept(app)[0].right == target.to_json()
    assert f"Corrected to {target.name_en}" in client.get(HISTORY).text


def test_a_search_that_finds_nothing_leads_to_all_categories(
    client: FlaskClient, classified: Classified
) -> None:
    page = client.get(f"/classify/{classified().id}/correct?q=<nothing>").text
    assert "0 categories found" in page
    assert "<nothing>" not in page
    assert len(buttons(page)) == 4


@pytest.mark.parametrize("category", ["", "0", "9" * 30, "t-shirt", "1000016123 "])
def test_a_category_that_does_not_exist_is_refused(
    app: Flask, client: FlaskClient, classified: Classified, category: str
) -> None:
    answer = say(client, classified(), category)
    assert answer.status_code == 400
    assert kept(app) == []


def test_another_visitor_cannot_correct_an_answer(app: Flask, classified: Classified) -> None:
    entry, other = classified(), app.test_client()
    assert other.get(f"/classify/{entry.id}/correct").status_code == 404
    assert say(other, entry, entry.predictions[0]["category_id"]).status_code == 404
    assert kept(app) == []


def test_a_second_correction_is_a_record_of_its_own_and_shows(
    app: Flask, client: FlaskClient, classified: Classified
) -> None:
    entry = classified()
    for place in (1, 2):
        say(client, entry, entry.predictions[place]["category_id"])
    assert [one.right["slug"] for one in kept(app)] == [guess["slug"] for guess in entry.predictions[1:3]]
    assert f"Corrected to {escape(entry.predictions[2]['name'])}" in client.get(f"/classify/{entry.id}").text


def test_correcting_too_often_is_refused_until_later(
    settings: Settings, service: ModelService, coffee: bytes
) -> None:
    app = create_app(replace(settings, rate_limit="2 per hour"))
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    client = app.test_client()
    form = {"csrf_token": csrf_token(client), "image": (io.BytesIO(coffee), "a.jpg")}
    location = client.post("/classify/", data=form).location
    form = {"csrf_token": csrf_token(client), "category": buttons(client.get(location).text)[0]}
    answers = [client.post(f"{location}/correct", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 429]


def test_a_correction_needs_no_place_in_the_queue(
    app: Flask, client: FlaskClient, classified: Classified
) -> None:
    entry = classified()
    app.extensions["site"].gate = Gate(cores=2, places=0)
    assert say(client, entry, entry.predictions[0]["category_id"]).status_code == 303


# The photo


def test_without_a_tick_no_photo_and_no_credit_is_kept(
    app: Flask, client: FlaskClient, classified: Classified
) -> None:
    entry = classified()
    say(client, entry, entry.predictions[1]["category_id"])
    assert photo_of(app) is None
    assert kept(app)[0].origin == Origin()


def test_with_a_tick_the_thumbnail_is_kept_until_it_is_taken_back(
    app: Flask, client: FlaskClient, classified: Classified
) -> None:
    entry = classified()
    right = entry.predictions[1]["category_id"]
    say(client, entry, right, keep_photo="1")
    assert max(photo_of(app).size) == THUMBNAIL_SIDE
    assert kept(app)[0].origin.credit == "Ann"
    assert "Photo shared" in client.get(f"/classify/{entry.id}").text
    say(client, entry, right)
    assert photo_of(app) is None


def test_a_correction_outlives_the_history(app: Flask, client: FlaskClient, classified: Classified) -> None:
    entry = classified()
    say(client, entry, entry.predictions[1]["category_id"], keep_photo="1")
    client.post("/classify/clear", data={"csrf_token": csrf_token(client)})
    assert client.get(f"/classify/{entry.id}").status_code == 404
    assert photo_of(app) is not None


def test_photos_that_may_be_retained_are_kept_larger_and_shown_small(
    settings: Settings, service: ModelService
) -> None:
    app = create_app(replace(settings, retain_photos=True))
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    client, file = app.test_client(), io.BytesIO()
    Image.linear_gradient("L").resize((1400, 1200)).save(file, "PNG")
    form = {"csrf_token": csrf_token(client), "image": (io.BytesIO(file.getvalue()), "a.png")}
    location = client.post("/classify/", data=form).location
    page = client.get(location).text
    assert f"a copy of {RETAINED_SIDE} px" in page
    assert max(Image.open(io.BytesIO(client.get(f"{location}/photo").data)).size) == THUMBNAIL_SIDE
    form = {"csrf_token": csrf_token(client), "category": buttons(page)[0], "keep_photo": "1"}
    client.post(f"{location}/correct", data=form)
    assert max(photo_of(app).size) == RETAINED_SIDE


def test_a_photo_that_the_browser_has_is_not_made_again(
    client: FlaskClient, classified: Classified, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/classify/{classified(photo=coffee).id}/photo"
    tag = client.get(path).headers["ETag"]
    monkeypatch.setattr("app.web.pages.answers.shrink", lambda _copy: pytest.fail("it is made anew"))
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_what_was_retained_is_kept_small_once_it_may_no_more(
    app: Flask, client: FlaskClient, classified: Classified, coffee: bytes
) -> None:
    entry = classified(photo=coffee)  # 600 px, from when RETAIN_PHOTOS was on
    say(client, entry, entry.predictions[0]["category_id"], keep_photo="1")
    assert max(photo_of(app).size) == THUMBNAIL_SIDE


# What cannot be reached


def test_a_store_out_of_reach_says_so_and_the_answer_stays_to_review(
    app: Flask, client: FlaskClient, classified: Classified, dead_redis_url: str
) -> None:
    entry = classified()
    app.extensions["site"].corrections = RedisCorrections(dead_redis_url)
    answer = say(client, entry, entry.predictions[0]["category_id"])
    assert answer.status_code == 503
    assert CorrectionsUnavailable.sentence in answer.text
    assert "Needs review" in client.get(f"/classify/{entry.id}").text


def test_without_a_history_there_is_nothing_to_correct(
    app: Flask, coffee: bytes, dead_redis_url: str
) -> None:
    app.extensions["site"].history = RedisHistory(dead_redis_url)
    client = app.test_client()
    form = {"csrf_token": csrf_token(client), "image": (io.BytesIO(coffee), "a.jpg")}
    page = client.post("/classify/", data=form).text
    assert "not kept" in page
    assert buttons(page) == []
    assert client.get("/classify/x/correct").status_code == 503


# The mark


@pytest.mark.parametrize(
    ("verdict", "marked"), [("sure", False), ("unsure", True), ("no_category", True), ("not_a_product", True)]
)
def test_a_doubtful_answer_is_marked_everywhere(
    client: FlaskClient, classified: Classified, verdict: str, marked: bool
) -> None:
    entry = classified(verdict)
    for path in (f"/classify/{entry.id}", HISTORY):
        assert ("Needs review" in client.get(path).text) is marked, path


def test_the_worklist_filters_by_review(client: FlaskClient, classified: Classified) -> None:
    entries = [classified(verdict) for verdict in ("sure", "unsure", "unsure", "unsure")]
    say(client, entries[2], entries[2].predictions[0]["category_id"])
    say(client, entries[3], entries[3].predictions[1]["category_id"])
    for review, expected in (("to_review", 1), ("confirmed", 2), ("corrected", 3)):
        page = client.get(f"{HISTORY}?review={review}").text
        assert re.findall(r'name="row" value="([^"]+)"', page) == [entries[expected].id]


def test_the_worklist_finds_a_row_by_what_is_right(client: FlaskClient, classified: Classified) -> None:
    entry, _ = classified(), classified()
    say(client, entry, entry.predictions[0]["category_id"])
    target = client.application.extensions["site"].models.taxonomy.categories[50]
    say(client, entry, target.category_id)
    page = client.get(HISTORY, query_string={"text": target.name_fr}).text
    assert re.findall(r'name="row" value="([^"]+)"', page) == [entry.id]


def test_every_export_carries_review_and_correction(client: FlaskClient, classified: Classified) -> None:
    corrected, _ = classified(), classified()
    right = corrected.predictions[1]
    say(client, corrected, right["category_id"])
    files = {kind: client.get(f"{HISTORY}/export/{kind}").data for kind in ("csv", "jsonl", "parquet")}
    open_row, row = (json.loads(line) for line in files["jsonl"].splitlines())
    assert (open_row["needs_review"], open_row["correction"]) == (True, None)
    assert (row["needs_review"], row["correction"]["slug"]) == (False, right["slug"])
    table = parquet.read_table(io.BytesIO(files["parquet"])).to_pylist()
    assert [one["needs_review"] for one in table] == [True, False]
    assert [one["right_category_id"] for one in table] == [None, right["category_id"]]
    cells = list(csv.DictReader(io.StringIO(files["csv"].decode("utf-8-sig"), newline="")))
    assert [one["needs_review"] for one in cells] == ["True", "False"]
    assert [one["right_category"] for one in cells] == ["", right["name"]]
