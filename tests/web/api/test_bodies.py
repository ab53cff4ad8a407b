"""The forms in which photos come to POST /api/v1/predictions, and what is said of others."""

import io
from base64 import b64encode, encodebytes
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PATH = "/api/v1/predictions"
BOUNDARY = "multipart/form-data; boundary=b"


def count_results(answer: TestResponse) -> int:
    assert answer.status_code == 200, answer.text
    assert all(result["error"] is None for result in answer.get_json()["results"])
    return len(answer.get_json()["results"])


def one_of_each(coffee: bytes) -> dict[str, dict[str, Any]]:
    """Give the ways to send the photo once."""
    text = b64encode(coffee).decode()
    return {
        "image[]": {"data": {"image[]": (io.BytesIO(coffee), "a.jpg")}},
        "raw": {"data": coffee, "content_type": "image/jpeg"},
        "raw, of a type that there is not": {"data": coffee, "content_type": "image/jpg"},
        "raw bytes": {"data": coffee, "content_type": "application/octet-stream"},
        "base64": {"json": {"images": [{"data": text}]}},
        "base64 in lines": {"json": {"images": [{"data": encodebytes(coffee).decode()}]}},
        "data: address as data": {"json": {"images": [{"data": f"data:image/jpeg;base64,{text}"}]}},
        "data: address as url": {"json": {"images": [{"url": f"data:image/jpeg;base64,{text}"}]}},
    }


@pytest.mark.parametrize("way", one_of_each(b""))
def test_a_photo_is_taken_in_each_documented_form(client: FlaskClient, coffee: bytes, way: str) -> None:
    assert count_results(client.post(PATH, **one_of_each(coffee)[way])) == 1


def test_options_come_in_json_and_with_a_raw_photo_in_the_address(client: FlaskClient, coffee: bytes) -> None:
    images = [{"data": b64encode(coffee).decode()}] * 2
    product = client.post(PATH, json={"images": images, "product": "one", "heatmap": True}).get_json()
    raw = client.post(f"{PATH}?heatmap=1", data=coffee, content_type="image/jpeg").get_json()
    assert product["product"]["photos"] == 2
    assert "heatmap" in product["results"][0]["predictions"][0]
    assert "heatmap" in raw["results"][0]["predictions"][0]


def test_an_address_in_json_goes_through_the_same_guard_as_one_in_a_form(client: FlaskClient) -> None:
    for url in ("https://127.0.0.1/a.jpg", "http://photos.example/a.jpg", "file:///etc/passwd"):
        answer = client.post(PATH, json={"images": [{"url": url}]})
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "url_not_allowed")
    answer = client.post(PATH, json={"images": [{"url": "https://photos.example/a.jpg"}] * 9})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (413, "too_many_photos")


def form(head: str, content: str = "x") -> str:
    return f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n--b--\r\n"


MISTAKES = {
    "no body": ({}, "has no body"),
    "no type": ({"data": b"\xff\xd8\xff"}, "has no Content-Type"),
    "no boundary": ({"data": form("x"), "content_type": "multipart/form-data"}, "names no boundary"),
    "another boundary": ({"data": form("x"), "content_type": f"{BOUNDARY}c"}, "ends with its boundary"),
    "multipart/mixed": (
        {"data": form("x"), "content_type": "multipart/mixed; boundary=b"},
        "came as multipart/mixed",
    ),
    "text": ({"data": "x", "content_type": "text/plain"}, "came as text/plain"),
    "image[0]": (
        {"data": form('name="image[0]"; filename="a.jpg"'), "content_type": BOUNDARY},
        "What came: image[0].",
    ),
    "images": ({"data": form('name="images"; filename="a"'), "content_type": BOUNDARY}, "came: images."),
    "file": ({"data": form('name="file"; filename="a"'), "content_type": BOUNDARY}, "came: file."),
    "photo": ({"data": form('name="photo"; filename="a"'), "content_type": BOUNDARY}, "came: photo."),
    "no @": ({"data": form('name="image"', "a.jpg"), "content_type": BOUNDARY}, "with the @"),
    "no file name": ({"data": form('name="image"', "\x01"), "content_type": BOUNDARY}, "needs a file name"),
    "a photo as a form": (
        {"data": bytes(600_000), "content_type": "application/x-www-form-urlencoded"},
        "a body of the type application/x-www-form-urlencoded carries none",
    ),
    "a small photo as a form": (
        {"data": b"\xff\xd8\xff&", "content_type": "application/x-www-form-urlencoded"},
        "a body of the type application/x-www-form-urlencoded carries none",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_request_without_a_photo_is_told_what_was_missing_and_what_came(
    client: FlaskClient, mistake: str
) -> None:
    sent, said = MISTAKES[mistake]
    answer = client.post(PATH, **sent)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "no_image")
    assert said in answer.get_json()["error"]["message"]


@pytest.mark.parametrize(("sent", "said"), [
    ({"data": "{", "content_type": "application/json"}, "Input data was truncated"),
    ({"json": {"image": []}}, "unknown field `image`"),
    ({"json": {"images": []}}, "length >= 1"),
    ({"json": {"images": ["x"]}}, "$.images[0]"),
    ({"json": {"images": [{}]}}, "images[0] must have either data or url"),
    ({"json": {"images": [{"data": "eA==", "url": "https://a.example/"}]}}, "either data or url"),
    ({"json": {"images": [{"data": "eA=="}, {"data": "é"}]}}, "images[1].data is neither base64"),
    ({"json": {"images": [{"data": "eA=="}], "product": "two"}}, "$.product"),
    ({"data": '{"images":' + "[" * 100_000, "content_type": "application/json"}, "not as documented"),
    ({"data": {"image": (io.BytesIO(b"x"), "a.jpg"), "heatmap": "maybe"}}, "$.heatmap"),
])  # fmt: skip
def test_a_request_that_is_not_as_documented_is_told_where(
    client: FlaskClient, sent: dict[str, Any], said: str
) -> None:
    answer = client.post(PATH, **sent)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "bad_request")
    assert said in answer.get_json()["error"]["message"]
