"""Ask again about a photo of the history."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import count_rows, csrf_token, jpeg, upload
from PIL import Image
from skimage import data

from app.recognition.prediction import Prediction
from app.recognition.service import ModelService
from app.settings import ROOT

OTHER = "efficientnetv2-b0"


@pytest.fixture(scope="session")
def other_network() -> ModelService:
    """A network that is not the one which answers in tests, loaded once."""
    service = ModelService(ROOT / "weights" / OTHER)
    service.wait()
    return service


@pytest.fixture
def client(app: Flask, other_network: ModelService) -> FlaskClient:
    app.extensions["site"].models.loaded[OTHER] = other_network
    return app.test_client()


def link_in(page: str) -> str:
    [link] = re.findall(r'href="([^"]+/beside/[^"]+)"', page)
    return str(link)


def test_another_network_answers_beside_the_first_and_nothing_is_kept(
    client: FlaskClient, coffee: bytes
) -> None:
    location = upload(client, coffee).location
    link = link_in(client.get(location).text)
    assert link == f"{location}/beside/{OTHER}"
    page = client.get(link).text
    assert re.findall(r'<th scope="col">([^<]+)</th>', page) == ["Inception V3", "EfficientNetV2-B0"]
    first, second = re.findall(r'<td>([^<]+) <span class="percent">', page)[:2]
    assert {first, second} == {"Mug / cup"}
    assert count_rows(client) == 1


def test_another_network_sees_all_photos_of_a_product(
    client: FlaskClient, other_network: ModelService, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = upload(client, coffee, b"not a photo", coffee, product="one").location
    asked: list[tuple[int, int]] = []
    predict = other_network.predict

    def note(photo: Image.Image) -> Prediction:
        asked.append(photo.size)
        return predict(photo)

    monkeypatch.setattr(other_network, "predict", note)
    assert client.get(link_in(client.get(location).text)).status_code == 200
    assert asked == [(320, 213)] * 2


def test_nobody_else_may_ask_about_a_photo(app: Flask, client: FlaskClient, coffee: bytes) -> None:
    link = f"{upload(client, coffee).location}/beside/{OTHER}"
    assert app.test_client().get(link).status_code == 404


def photos_in(page: str) -> list[str]:
    return re.findall(r'<img src="([^"]+/photo/\d+)"', page)


def test_each_photo_of_a_product_is_shown_and_only_to_its_visitor(
    app: Flask, client: FlaskClient, coffee: bytes
) -> None:
    location = upload(client, b"not a photo", coffee, coffee, product="one").location
    photos = photos_in(client.get(location).text)
    assert photos == [f"{location}/photo/0", f"{location}/photo/1"]
    assert [client.get(photo).status_code for photo in photos] == [200, 200]
    assert app.test_client().get(photos[1]).status_code == 404


def test_a_photo_left_out_no_longer_counts(client: FlaskClient, coffee: bytes) -> None:
    rocket = jpeg(Image.fromarray(data.rocket()))
    names = ("front.jpg", "other.jpg", "back.jpg")
    location = upload(client, coffee, rocket, coffee, names=names, product="one").location
    assert "The photos disagree" in client.get(location).text
    form = {"csrf_token": csrf_token(client)}
    answer = client.post(f"{location}/without/2", data=form, follow_redirects=True).text
    assert "The photos disagree" not in answer
    assert re.findall(r'/photo/\d"[^>]* alt="([^"]+)"', answer) == ["front.jpg", "back.jpg"]
    assert count_rows(client) == 2
    assert client.post(f"{location}/without/4", data=form).status_code == 404


def test_of_two_photos_one_left_out_leaves_a_photo_like_any_other(client: FlaskClient, coffee: bytes) -> None:
    location = upload(client, coffee, coffee, names=("a.jpg", "b.jpg"), product="one").location
    form = {"csrf_token": csrf_token(client)}
    page = client.post(f"{location}/without/1", data=form, follow_redirects=True).text
    assert "own-title" not in page
    assert "<dd>b.jpg</dd>" in page
