"""Several photos at a time: of one product, or each of another."""

import io
import json
import re
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import count_rows, csrf_token, jpeg, session_records, upload
from hostile_photos import html
from PIL import Image
from skimage import data

from app import create_app
from app.errors import (
    HistoryUnavailable,
    ModelNotReady,
    TooManyAtOnce,
    TooManyPhotos,
    UnreadablePhoto,
    UnsupportedFormat,
)
from app.recognition.service import ModelService
from app.settings import Settings

JUNK = b"not a photo"


@pytest.fixture(scope="session")
def rocket() -> bytes:
    """A photo (public domain, from scikit-image) that the network names another category than `coffee`."""
    return jpeg(Image.fromarray(data.rocket()))


def brief(page: str) -> list[str]:
    """Return the rows of the list of answers in brief."""
    return re.findall(r'<li class="brief.*?</li>', page.split("<template>")[0], re.DOTALL)


# One product


def test_photos_of_one_product_have_one_answer_and_one_row(
    client: FlaskClient, coffee: bytes, rocket: bytes
) -> None:
    photos = (coffee, rocket, coffee)
    page = client.get(upload(client, *photos, product="one").location).text
    form = {"image": [(io.BytesIO(photo), "a.jpg") for photo in photos], "product": "one"}
    product = client.post("/api/v1/predictions", data=form).get_json()["product"]
    shown = re.findall(r'<span class="name"><a href="/categories/(\d+)', page)
    assert shown == [str(guess["category_id"]) for guess in product["predictions"]]
    assert count_rows(client) == 1


def test_each_photos_own_answer_stays_below_the_products(
    client: FlaskClient, service: ModelService, coffee: bytes, rocket: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = upload(client, coffee, JUNK, rocket, coffee, product="one").location
    monkeypatch.setattr(service, "predict", None)
    own = client.get(location).text.split('id="own-title"')[1].split("</section>")[0]
    first, second, third, _ = re.findall(r"<li.*?</li>", own, re.DOTALL)
    assert "Mug / cup" in first
    assert UnsupportedFormat.sentence in second
    assert "disagrees" in third
    assert "The photos disagree: alone, 1 of 4" in own


def test_photos_that_agree_have_no_remark(client: FlaskClient, coffee: bytes) -> None:
    assert "disagree" not in client.get(upload(client, coffee, coffee, product="one").location).text


def test_the_row_of_a_product_shows_the_first_photo_that_can_be_read(
    client: FlaskClient, coffee: bytes, rocket: bytes
) -> None:
    alone = client.get(f"{upload(client, coffee).location}/photo").data
    location = upload(client, JUNK, coffee, rocket, product="one").location
    assert client.get(f"{location}/photo").data == alone
    assert "3 photos of one product" in client.get("/classify/history").text


def test_the_export_of_a_product_has_each_photos_own_answer(client: FlaskClient, coffee: bytes) -> None:
    upload(client, coffee, JUNK, product="one")
    [line] = client.get("/classify/history/export/jsonl").text.splitlines()
    first, second = json.loads(line)["photos"]
    assert (first["error"], second["error"]["code"]) == (None, "unsupported_format")
    assert len(first["predictions"]) == 4


def test_a_product_of_one_photo_is_a_photo(client: FlaskClient, coffee: bytes) -> None:
    assert "own-title" not in client.get(upload(client, coffee, product="one").location).text


@pytest.mark.parametrize(("photos", "product", "error"), [
    pytest.param([JUNK] * 9, "one", TooManyPhotos, id="a product of 9"),
    pytest.param([JUNK, b"\xff\xd8\xff"], "one", UnsupportedFormat, id="none can be read"),
    pytest.param([JUNK] * 51, "each", TooManyAtOnce, id="51 at once"),
    pytest.param([JUNK] * 100, "each", TooManyAtOnce, id="100 at once"),
])  # fmt: skip
def test_what_is_too_much_is_refused_as_a_whole(
    client: FlaskClient, photos: list[bytes], product: str, error: type[Exception]
) -> None:
    answer = upload(client, *photos, product=product)
    assert (answer.status_code, error.sentence in answer.text) == (error.status, True)
    assert count_rows(client) == 0


def test_a_program_gets_the_same_refusal_of_too_many_photos(client: FlaskClient) -> None:
    form = {"image": [(io.BytesIO(JUNK), "a.jpg") for _ in range(51)]}
    answer = client.post("/api/v1/predictions", data=form)
    assert (answer.status_code, answer.get_json()) == (413, {"error": TooManyAtOnce().to_json()})


# Different products


def test_different_products_have_an_answer_each_in_their_order(
    client: FlaskClient, coffee: bytes, rocket: bytes
) -> None:
    answer = upload(client, rocket, coffee, product="each")
    assert answer.status_code == 303
    first, second = brief(client.get(answer.location).text)
    assert "Mug / cup" not in first
    assert "Mug / cup" in second
    assert count_rows(client) == 2


def test_a_bad_file_is_named_with_its_own_sentence_and_spoils_nothing(
    client: FlaskClient, coffee: bytes
) -> None:
    names = ("good.jpg", "a <b>\u202egpj.txt", "half.jpg")
    answer = upload(client, coffee, JUNK, coffee[:3000], names=names)
    page = client.get(answer.location).text
    good, text, half = brief(page)
    assert "/photo" in good
    assert "a &lt;b&gt;gpj.txt" in text
    assert UnsupportedFormat.sentence in text
    assert "half.jpg" in half
    assert UnreadablePhoto.sentence in half
    assert "1 of 3 photos were classified" in page


def test_reloading_the_list_does_not_classify_again(
    client: FlaskClient, service: ModelService, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = upload(client, coffee, coffee).location
    monkeypatch.setattr(service, "predict", None)
    assert len(brief(client.get(location).text)) == 2
    assert len(brief(client.get(location).text)) == 2


def test_fifty_photos_may_come_in_one_form(client: FlaskClient) -> None:
    answer = upload(client, *[JUNK] * 50, model="", product="each", url="")
    assert len(brief(client.get(answer.location).text)) == 50


def test_files_that_nobody_came_to_see_the_fault_of_do_not_pile_up_in_the_session(
    client: FlaskClient, settings: Settings
) -> None:
    client.get("/language/fr")
    token = csrf_token(client)
    for _ in range(2):
        files = [(io.BytesIO(html()), "\U0001f600" * 90) for _ in range(50)]
        assert client.post("/classify/", data={"csrf_token": token, "image": files}).status_code == 303
    [record] = session_records(settings)
    assert 50 * 80 < len(record) < 64 * 1024  # the faults of one form take up to 60 kB


def test_the_list_shows_nothing_of_another_visitor(app: Flask, coffee: bytes) -> None:
    location = upload(app.test_client(), coffee, coffee).location
    assert brief(app.test_client().get(location).text) == []


def test_a_script_gets_the_row_of_its_photo(client: FlaskClient, coffee: bytes) -> None:
    form = {"csrf_token": csrf_token(client), "image": (io.BytesIO(coffee), "a.jpg")}
    row = client.post("/classify/", data=form, headers={"Accept": "application/json"}).get_json()["row"]
    assert brief(row) == [row.strip()]
    [link] = re.findall(r'<a href="([^"]+)"', row)
    assert client.get(link).status_code == 200


def test_answers_that_the_history_does_not_take_say_so(
    app: Flask, client: FlaskClient, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = mock.Mock(side_effect=HistoryUnavailable)
    monkeypatch.setattr(app.extensions["site"].history, "add", add)
    answer = upload(client, coffee, JUNK, coffee)
    assert answer.status_code == 200
    first, second, problem = brief(answer.text)
    assert "Not kept" in first
    assert "Not kept" in second
    assert "1.jpg" in problem
    assert add.call_count == 1  # or each photo would wait for a store that is out of reach


def test_faults_of_files_are_shown_while_the_session_cannot_be_read(app: Flask, dead_redis_url: str) -> None:
    down = create_app(replace(app.extensions["site"].settings, redis_url=dead_redis_url))
    down.extensions["site"].models = app.extensions["site"].models
    before, visitor = app.test_client(), down.test_client()
    before.get("/classify/")
    visitor._cookies = before._cookies
    files = [(io.BytesIO(JUNK), f"{number}.jpg") for number in range(2)]
    answer = visitor.post("/classify/", data={"image": files})
    assert answer.status_code == 200
    assert ["1.jpg" in problem for problem in brief(answer.text)] == [False, True]


def test_the_enter_key_on_a_choice_sends_the_photos(client: FlaskClient, coffee: bytes) -> None:
    """Without script it presses the button of the address, which is left empty."""
    fields = {"csrf_token": csrf_token(client), "url": " ", "product": "one"}
    photos = [(io.BytesIO(coffee), f"{number}.jpg") for number in range(2)]
    answer = client.post("/classify/address", data={**fields, "image": photos}, follow_redirects=True)
    assert answer.status_code == 200
    assert "own-title" in answer.text


def test_without_the_network_several_photos_are_refused_at_once(
    client: FlaskClient, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_ready = mock.Mock(side_effect=ModelNotReady)
    monkeypatch.setattr(ModelService, "require_ready", require_ready)
    answer = upload(client, coffee, coffee)
    assert answer.status_code == 503
    assert require_ready.call_count == 1


def test_what_several_photos_show_is_remembered(client: FlaskClient, coffee: bytes) -> None:
    def chosen() -> list[str]:
        return re.findall(r'name="product" value="(\w+)" checked', client.get("/classify/").text)

    assert chosen() == ["each"]
    upload(client, coffee, product="one")
    assert chosen() == ["one"]
    upload(client, coffee, product="nonsense")
    assert chosen() == ["one"]


# The time


def test_the_time_of_an_answer_holds_that_of_decoding(
    client: FlaskClient, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.web import classifying

    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)
    decode = classifying.decode

    def decode_slowly(photo: bytes) -> Image.Image:
        clock.now += 2.5
        return decode(photo)

    monkeypatch.setattr(classifying, "time", clock)
    monkeypatch.setattr(classifying, "decode", decode_slowly)
    assert "Answered in 2.50 s" in client.get(upload(client, coffee).location).text
    product = upload(client, coffee, coffee, product="one")
    assert "Answered in 5.00 s" in client.get(product.location).text
