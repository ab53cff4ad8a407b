"""Run the app: upload, answer, history."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token
from PIL import Image
from werkzeug.test import TestResponse

from app.recognition.service import ModelService


def upload(client: FlaskClient, photo: bytes, name: str = "photo.jpg") -> TestResponse:
    form = {"csrf_token": csrf_token(client), "image": (io.BytesIO(photo), name)}
    return client.post("/classify/", data=form)


def photo_links(page: str) -> list[str]:
    return re.findall(r'src="(/classify/[^"]+/photo)"', page)


def rows(client: FlaskClient) -> int:
    return len(set(photo_links(client.get("/classify/").get_data(as_text=True))))


def test_an_upload_is_answered_by_a_redirect_to_its_answer(client: FlaskClient, coffee: bytes) -> None:
    answer = upload(client, coffee)
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert page.status_code == 200
    assert page.text.count("<progress") == 4


def test_reloading_the_answer_does_not_predict_again(
    client: FlaskClient, service: ModelService, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = upload(client, coffee)
    monkeypatch.setattr(service, "predict", None)
    for _ in range(3):
        assert client.get(answer.location).status_code == 200
    assert rows(client) == 1


def test_the_history_shows_every_photo_newest_first(client: FlaskClient, coffee: bytes) -> None:
    locations = [upload(client, coffee).location for _ in range(3)]
    links = list(dict.fromkeys(photo_links(client.get("/classify/").get_data(as_text=True))))
    assert links == [f"{location}/photo" for location in reversed(locations)]


def test_a_second_browser_sees_nothing_of_the_first(app: Flask, coffee: bytes) -> None:
    first, second = app.test_client(), app.test_client()
    location = upload(first, coffee).location
    assert rows(second) == 0
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
    assert rows(client) == 0


def test_a_long_history_comes_in_pages(client: FlaskClient, coffee: bytes) -> None:
    for _ in range(26):
        upload(client, coffee)
    assert rows(client) == 25
    assert len(set(photo_links(client.get("/classify/?page=2").get_data(as_text=True)))) == 1


def test_a_page_beyond_the_last_is_the_last(client: FlaskClient, coffee: bytes) -> None:
    upload(client, coffee)
    page = client.get(f"/classify/?page={10**30}")
    assert page.status_code == 200
    assert photo_links(page.get_data(as_text=True))


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


def test_without_the_web_the_random_button_says_so_and_offers_an_upload(client: FlaskClient) -> None:
    answer = client.post("/classify/random", data={"csrf_token": csrf_token(client)})
    assert answer.status_code == 503
    assert "You can still upload one of your own" in answer.get_data(as_text=True)


def test_a_form_from_a_foreign_origin_stores_nothing(client: FlaskClient, coffee: bytes) -> None:
    for token in ("", "forged"):
        form = {"csrf_token": token, "image": (io.BytesIO(coffee), "photo.jpg")}
        answer = client.post("/classify/", data=form, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
    assert rows(client) == 0


@pytest.mark.parametrize("path", ["/", "/source/", "/livez", "/readyz"])
def test_pages_that_need_no_session_send_no_cookie(client: FlaskClient, coffee: bytes, path: str) -> None:
    assert "Set-Cookie" not in client.get(path).headers
    upload(client, coffee)
    assert "Set-Cookie" not in client.get(path).headers


def test_an_unreachable_history_still_gives_the_answer_and_says_that_it_was_not_kept(
    app: Flask, coffee: bytes, dead_redis_url: str
) -> None:
    from app.history.redis import RedisHistory

    app.extensions["history"] = RedisHistory(dead_redis_url)
    answer = upload(app.test_client(), coffee)
    assert answer.status_code == 200
    assert "not kept" in answer.get_data(as_text=True)
