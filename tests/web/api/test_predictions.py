"""POST /api/v1/predictions."""

import io
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import jpeg
from PIL import Image
from skimage import data

from app import create_app
from app.settings import DEFAULT_MODEL, Settings


def images(*photos: bytes) -> dict[str, object]:
    return {"image": [(io.BytesIO(photo), f"{number}.jpg") for number, photo in enumerate(photos)]}


def test_a_photo_is_answered_with_four_categories_in_the_documented_shape(
    client: FlaskClient, coffee: bytes
) -> None:
    answer = client.post("/api/v1/predictions", data=images(coffee)).get_json()
    assert list(answer) == ["model", "taxonomy", "results"]
    (result,) = answer["results"]
    assert list(result) == [
        "predictions",
        "verdict",
        "in_words",
        "needs_review",
        "roll_up",
        "digest",
        "error",
    ]
    assert result["error"] is None
    assert result["verdict"] in {"sure", "unsure", "no_category"}
    assert [node["name"] for node in result["roll_up"]] == result["predictions"][0]["path"]
    assert list(result["roll_up"][0]) == ["level", "name", "name_en", "name_fr", "probability", "trusted"]
    assert len(result["predictions"]) == 4
    best = result["predictions"][0]
    assert list(best) == [
        "category_id", "slug", "name", "name_fr", "path", "path_en", "path_fr", "probability"
    ]  # fmt: skip
    assert [node["name_fr"] for node in result["roll_up"]] == best["path_fr"]
    assert isinstance(best["category_id"], int)
    assert len(best["path"]) == 3
    probabilities = [guess["probability"] for guess in result["predictions"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) <= 1.000002


def test_where_it_looked_comes_when_asked_for(client: FlaskClient, coffee: bytes) -> None:
    plain, asked = (
        client.post("/api/v1/predictions", data=images(coffee) | {"heatmap": value}).get_json()["results"][0]
        for value in ("0", "1")
    )
    for category in asked["predictions"]:
        heatmap = category.pop("heatmap")
        assert [len(row) for row in heatmap["grid"]] == [3, 3, 3]
        assert sum(map(sum, heatmap["grid"])) == pytest.approx(1, abs=0.01)
        assert heatmap["words"].startswith(("mostly the ", "all over the photo", "nowhere"))
    assert [one["slug"] for one in asked["predictions"]] == [one["slug"] for one in plain["predictions"]]
    assert all("heatmap" not in category for category in plain["predictions"])


def test_several_photos_get_one_result_each_in_order(client: FlaskClient, coffee: bytes) -> None:
    answer = client.post("/api/v1/predictions", data=images(coffee, b"not a photo", coffee))
    assert answer.status_code == 200
    first, second, third = answer.get_json()["results"]
    assert first == third
    assert (second["predictions"], second["verdict"], second["roll_up"]) == (None, None, None)
    assert second["error"]["code"] == "unsupported_format"


@pytest.fixture(scope="session")
def chart() -> bytes:
    """A picture that shows something else than the cup of coffee."""
    return jpeg(Image.fromarray(data.page()).convert("RGB"))


def test_photos_of_one_product_get_one_answer_and_their_own(
    client: FlaskClient, coffee: bytes, chart: bytes
) -> None:
    form = images(coffee, b"not a photo", chart) | {"product": "one"}
    answer = client.post("/api/v1/predictions", data=form).get_json()
    assert list(answer) == ["model", "taxonomy", "product", "results"]
    product, results = answer["product"], answer["results"]
    assert list(product) == [
        "predictions",
        "verdict",
        "in_words",
        "needs_review",
        "roll_up",
        "photos",
        "remark",
    ]
    assert product["photos"] == 2
    assert product["remark"].startswith("The photos disagree: alone, photo ")
    assert results[1]["error"]["code"] == "unsupported_format"
    alone = client.post("/api/v1/predictions", data=images(coffee, chart)).get_json()["results"]
    for own, plain in zip((results[0], results[2]), alone, strict=True):
        assert [one["slug"] for one in own["predictions"]] == [one["slug"] for one in plain["predictions"]]
    best = product["predictions"][0]
    known = [one["probability"] for own in alone for one in own["predictions"] if one["slug"] == best["slug"]]
    assert sum(known) / 2 <= best["probability"] + 1e-3 <= max(known) + 1e-3


def test_photos_of_a_product_can_say_where_the_network_looked(client: FlaskClient, coffee: bytes) -> None:
    form = images(coffee, coffee) | {"product": "one", "heatmap": "1"}
    answer = client.post("/api/v1/predictions", data=form).get_json()
    assert answer["product"]["remark"] is None
    assert all("heatmap" in one for result in answer["results"] for one in result["predictions"])


@pytest.mark.parametrize(("photos", "status", "code"), [
    ([b"x"] * 9, 413, "too_many_photos"),
    ([b"x", b""], 415, "unsupported_format"),
])  # fmt: skip
def test_a_product_that_cannot_be_answered_is_the_requests_error(
    client: FlaskClient, photos: list[bytes], status: int, code: str
) -> None:
    answer = client.post("/api/v1/predictions", data=images(*photos) | {"product": "one"})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (status, code)


def test_a_single_unusable_photo_is_the_requests_error(client: FlaskClient) -> None:
    answer = client.post("/api/v1/predictions", data=images(b"not a photo"))
    assert answer.status_code == 415
    assert answer.get_json()["error"]["code"] == "unsupported_format"


@pytest.mark.parametrize("form", [{}, {"image": "text"}, {"photo": (io.BytesIO(b"x"), "a.jpg")}])
def test_a_request_without_a_photo_is_refused(client: FlaskClient, form: dict[str, object]) -> None:
    answer = client.post("/api/v1/predictions", data=form)
    assert answer.status_code == 400
    assert answer.get_json()["error"]["code"] == "no_image"


def test_an_unknown_network_is_refused_with_the_names_of_those_there_are(
    client: FlaskClient, coffee: bytes
) -> None:
    answer = client.post("/api/v1/predictions", data={**images(coffee), "model": "../none"})
    assert answer.status_code == 400
    assert answer.get_json()["error"]["code"] == "unknown_model"
    assert DEFAULT_MODEL in answer.get_json()["error"]["message"]


def test_the_api_neither_needs_nor_makes_a_session(client: FlaskClient, coffee: bytes) -> None:
    answer = client.post("/api/v1/predictions", data=images(coffee))
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/api/v1/predictions", 405, "method_not_allowed"),
    ("/api/v1/nothing", 404, "not_found"),
])  # fmt: skip
def test_every_error_of_the_api_has_the_one_shape(
    client: FlaskClient, path: str, status: int, code: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.get_json()["error"]["code"] == code
    assert answer.get_json()["error"]["message"]


def test_without_weights_the_site_is_up_and_says_that_it_cannot_classify(
    settings: Settings, tmp_path: Path, coffee: bytes
) -> None:
    client = create_app(Settings(weights=tmp_path, instance=settings.instance)).test_client()
    assert client.get("/livez").status_code == 200
    answer = client.post("/api/v1/predictions", data=images(coffee))
    assert answer.status_code == 503
    assert answer.get_json()["error"]["code"] == "model_not_ready"
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/readyz").status_code == 503


def test_readyz_names_the_network_once_it_is_warm(app: Flask) -> None:
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "ready"
