"""The worklist: find rows, export them, delete them, bring them back."""

import csv
import io
import json
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token
from made_up import entry_of
from pyarrow import parquet
from werkzeug.test import TestResponse

from app.errors import NothingSelected, TooLateToUndo
from app.history.entry import Entry
from app.history.redis import RedisHistory
from app.history.store import HistoryStore
from app.recognition.origin import Origin
from app.settings import Settings
from app.web.pages.history import PIECE

HISTORY = "/classify/history"
Fill = Callable[..., list[Entry]]


def make_entry(name: str = "Mug", age: int = 0, title: str = "", verdict: str = "sure") -> Entry:
    """Make an answer that is `age` minutes old; with a title its photo came from the web."""
    guess = {
        "category_id": 1000010653,
        "slug": name.lower(),
        "name": name,
        "name_fr": f"{name} français",
        "path": ["CUISINE", "TASSE", name.upper()],
        "probability": 0.75,
    }
    path = [{"level": 1, "name": "CUISINE", "probability": 0.9, "trusted": True}]
    origin = Origin("Open Products Facts", title) if title else Origin()
    created = datetime.now(UTC) - timedelta(minutes=age)
    return entry_of([guess], origin=origin, verdict=verdict, roll_up=path, created=created)


@pytest.fixture
def fill(app: Flask, client: FlaskClient) -> Fill:
    """Put entries into the visitor's history; the first is the newest."""
    client.get("/classify/")
    with client.session_transaction(path="/classify/") as session:
        owner = session.setdefault("history", "of-the-test")
    store: HistoryStore = app.extensions["site"].history

    def add(*entries: Entry) -> list[Entry]:
        for entry in entries:
            store.add(owner, entry, b"jpeg")
        return list(entries)

    return add


def shown(page: str) -> list[str]:
    return re.findall(r'name="row" value="([^"]+)"', page)


def ids(entries: list[Entry]) -> list[str]:
    return [entry.id for entry in entries]


def send(client: FlaskClient, action: str, **fields: object) -> TestResponse:
    return client.post(f"{HISTORY}/{action}", data={"csrf_token": csrf_token(client), **fields})


def read_csv(answer: TestResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_a_new_visitor_reads_that_there_is_nothing_yet(client: FlaskClient) -> None:
    assert "Nothing here yet" in client.get(HISTORY).text


@pytest.mark.parametrize(("query", "expected"), [
    ("", [0, 1, 2]),
    ("?verdict=unsure", [1]),
    ("?category=mug", [0, 2]),
    ("?source=upload", [0, 1]),
    ("?text=FRANCAIS+pot", [1]),
    ("?category=mug&source=Open+Products+Facts", [2]),
    ("?sort=oldest", [2, 1, 0]),
    ("?sort=nonsense", [0, 1, 2]),
])  # fmt: skip
def test_the_query_string_says_which_rows_are_shown(
    client: FlaskClient, fill: Fill, query: str, expected: list[int]
) -> None:
    entries = fill(make_entry(), make_entry("Pot", 1, verdict="unsure"), make_entry(age=2, title="A red cup"))
    assert shown(client.get(HISTORY + query).text) == [entries[place].id for place in expected]


def test_filters_that_match_nothing_can_be_removed(client: FlaskClient, fill: Fill) -> None:
    fill(make_entry())
    page = client.get(f"{HISTORY}?text=nothing+like+it").text
    assert "No answer matches these filters" in page
    assert f'href="{HISTORY}"' in page


@pytest.mark.parametrize("query", ["source=Open+Products+Facts", "category=lamp"])
def test_a_filter_that_finds_nothing_stays_in_the_form(client: FlaskClient, fill: Fill, query: str) -> None:
    fill(make_entry(), make_entry("Lamp", title="A lamp"))
    page = client.get(f"{HISTORY}?{query}&verdict=unsure").text
    value = query.partition("=")[2].replace("+", " ")
    assert f'<option value="{value}" selected>' in page


@pytest.mark.parametrize(("language", "text"), [("en", "your upload"), ("fr", "votre envoi")])
def test_a_search_finds_a_source_as_the_page_calls_it(
    client: FlaskClient, fill: Fill, language: str, text: str
) -> None:
    uploaded, _ = fill(make_entry(), make_entry(title="A cup"))
    page = client.get(HISTORY, query_string={"text": text}, headers={"Accept-Language": language}).text
    assert shown(page) == [uploaded.id]


def test_pages_have_25_rows_and_keep_the_filters(client: FlaskClient, fill: Fill) -> None:
    entries = fill(*(make_entry(age=age) for age in range(30)))
    first = client.get(f"{HISTORY}?category=mug&sort=oldest").text
    [following] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = client.get(following.replace("&amp;", "&")).text
    assert shown(first) + shown(second) == ids(entries)[::-1]
    assert len(shown(first)) == 25


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 40])
def test_a_page_that_is_not_there_is_the_nearest_one(client: FlaskClient, fill: Fill, page: str) -> None:
    entries = fill(make_entry())
    assert shown(client.get(f"{HISTORY}?page={page}").text) == ids(entries)


def test_the_categories_seen_are_counted_and_lead_to_their_rows(client: FlaskClient, fill: Fill) -> None:
    fill(make_entry(), make_entry(age=1), make_entry("Pot", 2))
    chart = client.get(HISTORY).text.split('class="seen-categories"')[1].split("</ol>")[0]
    rows = re.findall(r'<a href="([^"]+)">(\w+)</a>\s*<span>(\d+)</span>\s*<progress value="(\d+)"', chart)
    assert [row[1:] for row in rows] == [("Mug", "2", "2"), ("Pot", "1", "1")]
    assert len(shown(client.get(rows[1][0].replace("&amp;", "&")).text)) == 1


@pytest.mark.parametrize(("hashes", "words"), [
    ((("a", "0" * 16), ("a", "f" * 16)), "The same photo as"),
    ((("a", "0" * 16), ("b", "0" * 15 + "f")), "Looks like"),
])  # fmt: skip
def test_a_photo_seen_before_is_pointed_out_with_a_link_to_its_row(
    client: FlaskClient, fill: Fill, hashes: tuple[tuple[str, str], ...], words: str
) -> None:
    (old, new) = (
        replace(make_entry(age=age), fingerprint=fingerprint, dhash=dhash)
        for age, (fingerprint, dhash) in zip((99, 0), hashes, strict=True)
    )
    fill(new, *(make_entry(age=age) for age in range(1, 31)), old)
    for page in (client.get(HISTORY).text, client.get(f"/classify/{new.id}").text):
        assert page.count(words) == 1
        [link] = re.findall(words + ' <a href="([^"]+)"', page)
        path, anchor = link.split("#")
        assert f'id="{anchor}"' in client.get(path).text
        assert anchor == f"row-{old.id}"


def test_the_selected_rows_are_exported_as_csv(client: FlaskClient, fill: Fill) -> None:
    entries = fill(make_entry(), make_entry("Pot", 1, "Théière"), make_entry(age=2))
    answer = send(client, "export/csv", row=[entries[2].id, entries[1].id])
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=history.csv"
    rows = read_csv(answer)
    assert [row["id"].lstrip("'") for row in rows] == [entries[2].id, entries[1].id]
    assert rows[1]["title"] == "Théière"
    assert rows[1]["path"] == "CUISINE > TASSE > POT"
    assert float(rows[1]["probability"]) == 0.75


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_an_address_whose_filters_match_nothing_gives_a_file_without_rows(
    client: FlaskClient, fill: Fill, kind: str
) -> None:
    fill()
    answer = client.get(f"{HISTORY}/export/{kind}?text=nothing-like-it")
    assert answer.status_code == 200
    if kind == "parquet":
        table = parquet.read_table(io.BytesIO(answer.data))
        assert table.num_rows == 0
        assert "category" in table.column_names
    elif kind == "csv":
        assert read_csv(answer) == []
        assert "category" in answer.get_data(as_text=True)
    else:
        assert answer.data == b""


def test_every_row_that_matches_is_exported_by_its_address(client: FlaskClient, fill: Fill) -> None:
    fill(*(make_entry(age=age) for age in range(30)), make_entry("Pot"))
    rows = read_csv(client.get(f"{HISTORY}/export/csv?category=mug"))
    assert len(rows) == 30
    assert {row["category"] for row in rows} == {"Mug"}


def test_json_lines_have_everything_that_the_history_knows(client: FlaskClient, fill: Fill) -> None:
    [entry] = fill(make_entry(title="Théière \ud800"))
    answer = client.get(f"{HISTORY}/export/jsonl")
    [row] = [json.loads(line) for line in answer.data.splitlines()]
    assert row["predictions"] == entry.predictions
    assert row["origin"]["title"] == "Théière \ud800"
    assert datetime.fromisoformat(row["created"]) == entry.created


def test_parquet_has_typed_columns(client: FlaskClient, fill: Fill) -> None:
    [entry] = fill(make_entry(title="Théière \ud800"))
    table = parquet.read_table(io.BytesIO(client.get(f"{HISTORY}/export/parquet").data))
    [row] = table.to_pylist()
    assert (row["created"], row["probability"], row["title"]) == (entry.created, 0.75, "Théière ?")
    assert row["category_2"] == ""


def test_parquet_takes_the_numbers_of_one_catalogue_beside_the_names_of_another(
    client: FlaskClient, fill: Fill
) -> None:
    mapped = make_entry(age=1)
    mapped.predictions[0]["category_id"] = "mugs"
    fill(make_entry(), mapped)
    table = parquet.read_table(io.BytesIO(client.get(f"{HISTORY}/export/parquet").data))
    assert [row["category_id"] for row in table.to_pylist()] == ["1000010653", "mugs"]


@pytest.mark.parametrize(("installed", "status"), [(True, 200), (False, 404)])
def test_parquet_is_offered_where_pyarrow_is_installed(
    client: FlaskClient, fill: Fill, monkeypatch: pytest.MonkeyPatch, installed: bool, status: int
) -> None:
    fill(make_entry())
    if not installed:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert ("export/parquet" in client.get(HISTORY).text) == installed
    assert client.get(f"{HISTORY}/export/parquet").status_code == status


def test_for_a_french_visitor_the_csv_is_what_a_french_spreadsheet_opens(
    client: FlaskClient, fill: Fill
) -> None:
    fill(make_entry())
    text = {"fr": "", "en": ""}
    for language in text:
        answer = client.get(f"{HISTORY}/export/csv", headers={"Accept-Language": language})
        text[language] = answer.data.decode("utf-8-sig")
    french = list(csv.DictReader(io.StringIO(text["fr"], newline=""), delimiter=";"))
    english = list(csv.DictReader(io.StringIO(text["en"], newline="")))
    assert len(french) == len(english) > 0
    assert french[0]["probability"] == english[0]["probability"].replace(".", ",") == "0,75"
    assert french[0]["category"] == english[0]["category"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20"])
@pytest.mark.parametrize("before", ["", "a;", "a,", 'a"', "a;  "])
def test_no_cell_of_the_csv_is_a_formula_wherever_a_spreadsheet_splits_it(
    client: FlaskClient, fill: Fill, before: str, start: str
) -> None:
    fill(make_entry(title=f'{before}{start}HYPERLINK("https://evil.example")'))
    [row] = read_csv(client.get(f"{HISTORY}/export/csv"))
    assert row["title"].startswith(f"{before.strip()}'{before[2:]}{start}HYPERLINK")


def test_a_harmless_text_stays_as_it_is_in_the_csv(client: FlaskClient, fill: Fill) -> None:
    fill(make_entry(title="T-shirt (new) - 50 % \u2013 mug@home"))
    [row] = read_csv(client.get(f"{HISTORY}/export/csv"))
    assert row["title"] == "T-shirt (new) - 50 % \u2013 mug@home"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_row_that_is_selected_many_times_is_exported_once(
    client: FlaskClient, fill: Fill, kind: str
) -> None:
    [entry] = fill(make_entry())
    once, often = (
        client.post(
            f"{HISTORY}/export/{kind}",
            data={"csrf_token": csrf_token(client), "row": [entry.id] * times},
        ).data
        for times in (1, 1000)
    )
    assert once == often


def test_an_export_reads_a_long_history_in_pieces(
    app: Flask, client: FlaskClient, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = fill(*(make_entry() for _ in range(2 * PIECE + 1)))
    store, asked = app.extensions["site"].history, []
    read = store.entries
    monkeypatch.setattr(store, "entries", lambda owner, ids: (asked.append(len(ids)), read(owner, ids))[1])
    lines = client.get(f"{HISTORY}/export/jsonl").text.splitlines()
    assert len(lines) == len(entries)
    assert asked == [PIECE, PIECE, 1]


def test_an_unknown_format_is_not_found(client: FlaskClient, fill: Fill) -> None:
    fill(make_entry())
    assert client.get(f"{HISTORY}/export/xls").status_code == 404


def test_without_a_selection_all_that_match_are_exported(client: FlaskClient, fill: Fill) -> None:
    mug, _pot = fill(make_entry(), make_entry("Pot"))
    lines = send(client, "export/jsonl?category=mug").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [mug.id]


def test_without_a_selection_nothing_is_deleted(client: FlaskClient, fill: Fill) -> None:
    entries = fill(make_entry())
    answer = send(client, "delete")
    assert answer.status_code == 400
    assert NothingSelected.sentence in answer.text
    assert shown(client.get(HISTORY).text) == ids(entries)


def test_deleted_rows_can_be_brought_back(client: FlaskClient, fill: Fill) -> None:
    entries = fill(*(make_entry(age=age) for age in range(3)))
    answer = send(client, "delete?category=mug", row=ids(entries)[:2])
    assert answer.location == f"{HISTORY}?category=mug&sort=newest&page=1#undo"
    page = client.get(answer.location).text
    assert "2 answers were deleted" in page
    assert shown(page) == ids(entries)[2:]
    assert client.get(f"/classify/{entries[0].id}/photo").status_code == 404
    [discarded] = re.findall(r'name="discarded" value="(\d+)"', page)
    assert send(client, "undo", discarded=discarded).status_code == 303
    assert shown(client.get(HISTORY).text) == ids(entries)
    again = send(client, "undo", discarded=discarded)
    assert again.status_code == 410
    assert TooLateToUndo.sentence in again.text


def test_all_that_match_are_deleted_on_every_page_and_nothing_else(client: FlaskClient, fill: Fill) -> None:
    [pot, *_] = fill(make_entry("Pot"), *(make_entry(age=age) for age in range(30)))
    send(client, "delete?category=mug", all="1")
    page = client.get(HISTORY).text
    assert shown(page) == [pot.id]
    assert "30 answers were deleted" in page


def test_a_row_deleted_on_the_classifier_page_can_be_brought_back_there(
    client: FlaskClient, fill: Fill
) -> None:
    [entry] = fill(make_entry())
    client.post(f"/classify/{entry.id}/delete", data={"csrf_token": csrf_token(client)})
    [discarded] = re.findall(r'name="discarded" value="(\d+)"', client.get("/classify/").text)
    send(client, "undo", discarded=discarded)
    assert client.get(f"/classify/{entry.id}").status_code == 200


def undo(client: FlaskClient, page: str) -> str:
    """Press the button that takes a deletion back on a page; return where that leads to."""
    fields = dict(re.findall(r'name="(back|discarded)" value="([^"]+)"', client.get(page).text))
    return send(client, "undo", **fields | {"back": fields["back"].replace("&amp;", "&")}).location


@pytest.mark.parametrize(("page", "place"), [
    ("/classify/", "#recent"),
    ("/classify/?page=1", "#recent"),
    ("/classify/{id}", "#recent"),
    (f"{HISTORY}?category=mug&sort=oldest&page=1", "#rows"),
])  # fmt: skip
def test_undo_leads_back_to_the_page_where_it_was_pressed(
    client: FlaskClient, fill: Fill, page: str, place: str
) -> None:
    kept, deleted = fill(make_entry(), make_entry(age=1))
    client.post(f"/classify/{deleted.id}/delete", data={"csrf_token": csrf_token(client)})
    page = page.format(id=kept.id)
    back = undo(client, page)
    assert back == page + place
    assert deleted.id in client.get(back).text


@pytest.mark.parametrize(
    "back", ["//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", ""]
)
def test_undo_leads_to_no_other_site(client: FlaskClient, fill: Fill, back: str) -> None:
    [entry] = fill(make_entry())
    client.post(f"/classify/{entry.id}/delete", data={"csrf_token": csrf_token(client)})
    [discarded] = re.findall(r'name="discarded" value="(\d+)"', client.get(HISTORY).text)
    assert send(client, "undo", discarded=discarded, back=back).location == HISTORY


@pytest.mark.parametrize("discarded", ["", "x", "1", "-5", "9" * 40])
def test_a_made_up_set_cannot_be_brought_back(client: FlaskClient, fill: Fill, discarded: str) -> None:
    fill(make_entry())
    assert send(client, "undo", discarded=discarded).status_code == 410


@pytest.mark.parametrize("action", ["export/csv", "delete", "undo"])
def test_a_form_without_its_token_changes_nothing(client: FlaskClient, fill: Fill, action: str) -> None:
    entries = fill(make_entry())
    answer = client.post(f"{HISTORY}/{action}", data={"row": entries[0].id, "discarded": "1"})
    assert answer.status_code == 403
    assert shown(client.get(HISTORY).text) == ids(entries)


def test_another_visitor_cannot_reach_it(app: Flask, client: FlaskClient, fill: Fill) -> None:
    entries = fill(make_entry())
    other = app.test_client()
    assert shown(other.get(HISTORY).text) == []
    assert read_csv(send(other, "export/csv", row=entries[0].id)) == []
    send(other, "delete", row=entries[0].id)
    assert shown(client.get(HISTORY).text) == ids(entries)


@pytest.mark.parametrize(
    "query", ["?_external=1&_scheme=javascript", "?_anchor=x&endpoint=x", "?page=1&page=2"]
)
def test_odd_parameters_lead_nowhere_else(client: FlaskClient, fill: Fill, query: str) -> None:
    entries = fill(make_entry())
    answer = send(client, f"delete{query}", row=entries[0].id)
    assert answer.location == f"{HISTORY}?sort=newest&page=1#undo"


def test_markup_in_titles_and_filters_is_shown_as_text(client: FlaskClient, fill: Fill) -> None:
    fill(make_entry(title="<img src=x>"))
    page = client.get(f'{HISTORY}?text=<img&category="><img').text
    assert "<img src=x" not in page
    assert '"><img"' not in page


def test_an_unreachable_history_says_so(app: Flask, dead_redis_url: str) -> None:
    app.extensions["site"].history = RedisHistory(dead_redis_url)
    answer = app.test_client().get(HISTORY)
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text


@pytest.fixture
def damaged(fill: Fill, settings: Settings) -> tuple[Entry, Entry]:
    """Give a row that can be read and one of random bytes."""
    sound, damaged = fill(make_entry("Mug"), make_entry("Pot", age=5))
    with closing(sqlite3.connect(settings.instance / "history.sqlite3")) as connection, connection:
        statement = "UPDATE entry SET json = CAST(? AS TEXT), summary = ? WHERE id = ?"
        connection.execute(statement, (b"\x80\xff\x00", b"\x80\xff\x00", damaged.id))
    return sound, damaged


@pytest.mark.parametrize(("language", "sentence"), [
    ("en", "One answer cannot be read"), ("fr", "Une réponse ne peut pas être lue"),
])  # fmt: skip
@pytest.mark.usefixtures("damaged")
def test_the_history_says_how_many_rows_it_cannot_read(
    client: FlaskClient, language: str, sentence: str
) -> None:
    page = client.get(HISTORY, headers={"Accept-Language": language})
    assert page.status_code == 200
    assert sentence in page.text
    assert "/photo" in page.text  # that of the other row


def test_what_cannot_be_read_is_not_exported_and_not_found(
    client: FlaskClient, damaged: tuple[Entry, Entry]
) -> None:
    sound, unreadable = damaged
    lines = client.get(f"{HISTORY}/export/jsonl").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [sound.id]
    assert client.get(f"/classify/{unreadable.id}").status_code == 404


def test_a_history_of_unreadable_rows_alone_can_be_cleared(
    client: FlaskClient, damaged: tuple[Entry, Entry]
) -> None:
    token = csrf_token(client)
    client.post(f"/classify/{damaged[0].id}/delete", data={"csrf_token": token})
    page = client.get(HISTORY).text
    assert "One answer cannot be read" in page
    assert "Nothing here yet" not in page
    assert "Clear the history" in page
    client.post("/classify/clear", data={"csrf_token": token})
    assert "cannot be read" not in client.get(HISTORY).text


def test_a_copy_of_a_photo_that_cannot_be_read_is_no_fault_of_the_site(
    client: FlaskClient, fill: Fill
) -> None:
    [entry] = fill(make_entry())  # its copy is no JPEG
    assert client.get(f"/classify/{entry.id}/photo").status_code == 415
