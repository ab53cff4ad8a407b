"""POST /api/v1/feedback: what is right about an answer of the API."""

import io
from base64 import b64encode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from app.corrections.store import CorrectionStore
from app.recognition.photos import THUMBNAIL_SIDE

PATH = "/api/v1/feedback"
MUG = 1000002361


@pytest.fixture
def store(app: Flask) -> CorrectionStore:
    found: CorrectionStore = app.extensions["site"].corrections
    return found


@pytest.fixture
def digest(client: FlaskClient, coffee: bytes) -> str:
    """Classify the photo and return the digest of its answer."""
    answer = client.post("/api/v1/predictions", data=coffee, content_type="image/jpeg")
    return str(answer.get_json()["results"][0]["digest"])


def say(client: FlaskClient, digest: str, right: int | str = MUG, **fields: str) -> TestResponse:
    return client.post(PATH, json={"digest": digest, "right": right, **fields})


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["error"]["code"]


def test_what_is_right_is_kept_with_the_whole_answer_and_without_the_photo(
    client: FlaskClient, store: CorrectionStore, digest: str
) -> None:
    answer = say(client, digest)
    assert answer.status_code == 201
    assert answer.get_json()["right"] == MUG
    assert answer.get_json()["photo_kept"] is False
    [kept] = store.all()
    assert kept.right["slug"] == "mug"
    assert len(kept.predictions) == 4
    assert kept.roll_up
    assert kept.confirms == answer.get_json()["confirms"]
    assert store.photo(kept.answer) is None


def test_a_photo_that_is_sent_is_kept_small_until_it_is_taken_back(
    client: FlaskClient, store: CorrectionStore, digest: str, coffee: bytes
) -> None:
    assert say(client, digest, photo=b64encode(coffee).decode()).get_json()["photo_kept"] is True
    [kept] = store.all()
    copy = store.photo(kept.answer)
    assert copy
    assert max(Image.open(io.BytesIO(copy)).size) == THUMBNAIL_SIDE
    say(client, digest)
    assert store.photo(kept.answer) is None


def test_another_photo_than_that_of_the_answer_is_refused(
    client: FlaskClient, store: CorrectionStore, digest: str, coffee: bytes
) -> None:
    other = b64encode(coffee + b"\0").decode()
    assert code_of(say(client, digest, photo=other)) == (400, "another_photo")
    assert store.all() == []


@pytest.mark.parametrize("made_up", ["", "x", "e30.AAAA"])
def test_a_digest_that_this_site_has_not_made_is_refused(client: FlaskClient, made_up: str) -> None:
    assert code_of(say(client, made_up)) == (400, "unknown_digest")


def test_a_changed_digest_is_refused(client: FlaskClient, digest: str) -> None:
    assert code_of(say(client, f"{'B' if digest[0] == 'A' else 'A'}{digest[1:]}")) == (400, "unknown_digest")


def test_an_unknown_category_is_refused(client: FlaskClient, digest: str) -> None:
    assert code_of(say(client, digest, right=1)) == (400, "unknown_category")


def test_an_unusable_photo_has_no_digest(client: FlaskClient, coffee: bytes) -> None:
    form = {"image": [(io.BytesIO(photo), "a.jpg") for photo in (b"x", coffee)]}
    first, second = client.post("/api/v1/predictions", data=form).get_json()["results"]
    assert first["digest"] is None
    assert len(second["digest"]) < 2000
