"""POST /api/v1/classifiers and what can be done with one: its id is the only key."""

import io
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

PATH = "/api/v1/classifiers"


@pytest.fixture
def app(make_small_site: Callable[..., Flask]) -> Flask:
    return make_small_site()


def to_teach(drawings: Path, photos: int = 8) -> dict[str, Any]:
    return {
        "categories": [
            {
                "name": name,
                "photos": [
                    b64encode(path.read_bytes()).decode()
                    for path in sorted((drawings / "train" / name).iterdir())[:photos]
                ],
            }
            for name in ("disc", "frame")
        ]
    }


@pytest.fixture
def made(client: FlaskClient, drawings: Path) -> dict[str, Any]:
    answer = client.post(PATH, json=to_teach(drawings))
    assert answer.status_code == 201
    return dict(answer.get_json())


def test_a_classifier_says_what_it_was_taught_and_how_right_it_is(
    client: FlaskClient, made: dict[str, Any]
) -> None:
    assert [(one["name"], one["photos"], one["measured"]) for one in made["categories"]] == [
        ("disc", 8, 8),
        ("frame", 8, 8),
    ]
    assert client.get(f"{PATH}/{made['id']}").get_json() == made
    assert len(made["id"]) >= 32


def test_photos_are_classified_by_the_categories_that_were_taught(
    client: FlaskClient, made: dict[str, Any], drawings: Path
) -> None:
    photos = [
        (io.BytesIO(next((drawings / "val" / name).iterdir()).read_bytes()), "a.jpg")
        for name in ("disc", "frame")
    ]
    form = {"image": photos, "heatmap": "1"}
    answer = client.post(f"{PATH}/{made['id']}/predictions", data=form).get_json()
    best = [result["predictions"][0] for result in answer["results"]]
    assert [one["name"] for one in best] == ["disc", "frame"]
    assert {one["category_id"] for one in best} == {one["category_id"] for one in made["categories"]}
    assert all(one["heatmap"]["words"] for one in best)
    assert [result["digest"] for result in answer["results"]] == [None, None]


def test_a_model_beside_a_classifier_is_refused(
    client: FlaskClient, made: dict[str, Any], coffee: bytes
) -> None:
    form = {"image": (io.BytesIO(coffee), "a.jpg"), "model": "inception-v3"}
    assert client.post(f"{PATH}/{made['id']}/predictions", data=form).status_code == 400


def test_a_deleted_classifier_is_gone(client: FlaskClient, made: dict[str, Any], coffee: bytes) -> None:
    path = f"{PATH}/{made['id']}"
    assert client.delete(path).get_json() == {"deleted": made["id"]}
    form = {"image": (io.BytesIO(coffee), "a.jpg")}
    for answer in (client.get(path), client.delete(path), client.post(f"{path}/predictions", data=form)):
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("change", "status"), [
    ({"categories": []}, 400),
    ({"categories": [{"name": "a", "photos": ["!"]}, {"name": "b", "photos": ["!"]}]}, 400),
    ({"categories": [{"name": "a", "photos": ["eA=="]}, {"name": "b", "photos": ["eA=="]}]}, 415),
])  # fmt: skip
def test_what_cannot_be_taught_is_refused_and_nothing_is_kept(
    app: Flask, client: FlaskClient, change: dict[str, Any], status: int
) -> None:
    answer = client.post(PATH, json=change)
    assert answer.status_code == status
    cleared = app.extensions["site"].classifiers
    with cleared._file.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM owner").fetchone() == (0,)


def test_the_same_name_twice_is_one_category_and_too_few(client: FlaskClient, drawings: Path) -> None:
    wanted = to_teach(drawings, 1)
    wanted["categories"][1]["name"] = "DISC"
    assert client.post(PATH, json=wanted).get_json()["error"]["code"] == "too_few_taught"


def test_each_photo_counts_as_one_to_classify(make_small_site: Callable[..., Flask], drawings: Path) -> None:
    client = make_small_site(rate_limit="5 per hour").test_client()
    assert client.post(PATH, json=to_teach(drawings, 3)).status_code == 429
    assert client.post(PATH, json=to_teach(drawings, 1)).status_code == 201


def test_where_teaching_is_off_there_is_no_such_call(
    make_small_site: Callable[..., Flask], drawings: Path
) -> None:
    client = make_small_site(teach=False).test_client()
    assert client.post(PATH, json=to_teach(drawings, 1)).status_code == 404
    assert PATH not in client.get("/api/v1/openapi.json").get_json()["paths"]
