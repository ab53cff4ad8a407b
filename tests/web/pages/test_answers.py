"""An answer: its page and photo, deleting it, who sees it."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import count_rows, csrf_token, upload
from made_up import entry_of
from PIL import Image

from app.recognition.service import ModelService


def test_reloading_the_answer_does_not_predict_again(
    client: FlaskClient, service: ModelService, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = upload(client, coffee)
    monkeypatch.setattr(service, "predict", None)
    for _ in range(3):
        assert client.get(answer.location).status_code == 200
    assert count_rows(client) == 1


def test_a_second_browser_sees_nothing_of_the_first(app: Flask, coffee: bytes) -> None:
    first, second = app.test_client(), app.test_client()
    location = upload(first, coffee).location
    assert count_rows(second) == 0
    assert second.get(location).status_code == 404
    assert second.get(f"{location}/photo").status_code == 404


def test_a_row_can_be_deleted(client: FlaskClient, coffee: bytes) -> None:
    kept, deleted = (upload(client, coffee).location for _ in range(2))
    answer = client.post(f"{deleted}/delete", data={"csrf_token": csrf_token(client)})
    assert answer.status_code == 303
    assert client.get(deleted).status_code == 404
    assert client.get(kept).status_code == 200


def test_the_history_can_be_cleared(client: FlaskClient, coffee: bytes) -> None:
    upload(client, coffee)
    client.post("/classify/clear", data={"csrf_token": csrf_token(client)})
    assert count_rows(client) == 0


def test_the_shown_photo_is_a_fresh_jpeg_that_only_its_owner_may_cache(
    client: FlaskClient, coffee: bytes
) -> None:
    photo = client.get(f"{upload(client, coffee).location}/photo")
    assert photo.mimetype == "image/jpeg"
    assert photo.headers["X-Content-Type-Options"] == "nosniff"
    assert photo.cache_control.private
    assert max(Image.open(io.BytesIO(photo.data)).size) == 320


def test_the_browser_asks_again_before_it_shows_a_photo_it_kept(client: FlaskClient, coffee: bytes) -> None:
    path = f"{upload(client, coffee).location}/photo"
    photo = client.get(path)
    assert photo.cache_control.no_cache
    known = {"If-None-Match": photo.headers["ETag"]}
    again = client.get(path, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    client.post("/classify/clear", data={"csrf_token": csrf_token(client)})
    assert client.get(path, headers=known).status_code == 404


def show(app: Flask, verdict: str, trusted: int, language: str = "en") -> str:
    """Give the page of an answer with this verdict, of whose path the first nodes are trusted."""
    client = app.test_client()
    client.get("/classify/")
    guess = {"name": "Ball", "name_fr": "Balle", "path": ["SPORT", "FITNESS", "BALLON"], "probability": 0.4}
    nodes = [
        {"level": level, "name": name, "probability": 1 - level / 5, "trusted": level <= trusted}
        for level, name in enumerate(guess["path"], start=1)
    ]
    entry = entry_of([guess], verdict=verdict, roll_up=nodes)
    with client.session_transaction(path="/classify/") as session:
        owner = session.setdefault("history", "of-the-test")
    app.extensions["site"].history.add(owner, entry, b"jpeg")
    return client.get(f"/classify/{entry.id}", headers={"Accept-Language": language}).text


@pytest.mark.parametrize(("verdict", "trusted", "words"), [
    ("sure", 3, ">Ball</h1>"),
    ("unsure", 2, ">FITNESS, perhaps ball</h1>"),
    ("unsure", 0, ">Perhaps ball</h1>"),
    ("no_category", 1, ">Probably none of the categories that the network knows</h1>"),
    ("not_a_product", 1, ">Probably none of the categories that the network knows</h1>"),
])  # fmt: skip
def test_the_headline_says_what_the_photo_shows_as_far_as_the_answer_is_trusted(
    app: Flask, verdict: str, trusted: int, words: str
) -> None:
    page = show(app, verdict, trusted)
    assert words in page
    assert page.count("(unsure)") == 3 - trusted
    assert re.findall(r'<span class="percent">(\d+ %)</span>', page)[:3] == ["80 %", "60 %", "40 %"]


@pytest.mark.parametrize(("language", "headline", "places"), [
    ("en", "Sports, perhaps ball", ["Sports", '<span lang="fr">FITNESS</span>', "Ball"]),
    ("fr", "Sport, peut-être balle", ["Sport", '<span lang="fr">FITNESS</span>', "Balle"]),
])  # fmt: skip
def test_the_path_is_in_the_visitors_language_and_cdiscounts_own_in_the_details(
    app: Flask, language: str, headline: str, places: list[str]
) -> None:
    page = show(app, "unsure", 1, language)
    assert f">{headline}</h1>" in page
    roll_up = page.split('class="roll-up"')[1].split("</ol>")[0]
    assert all(f"<span>{place}</span>" in roll_up for place in places)
    assert '<dd lang="fr">SPORT \u203a FITNESS \u203a BALLON</dd>' in page
