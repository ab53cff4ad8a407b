"""The OpenAPI document: what it says is so, and programs can be made from it."""

import importlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

PATH = "/api/v1/openapi.json"


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    answer = client.get(PATH)
    assert answer.status_code == 200
    return answer.get_json()


def test_every_call_of_the_api_is_in_the_document(app: Flask, document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    there = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/") and rule.rule != PATH
    }
    assert there == {(path, method) for path, calls in document["paths"].items() for method in calls}


def test_every_call_names_its_errors_and_headers(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for call in path.values():
            assert {"200", "201"} & set(call["responses"])
            assert {"400", "429", "503"} <= set(call["responses"])
            for status, response in call["responses"].items():
                assert "X-Request-ID" in response["headers"]
                assert ("Retry-After" in response["headers"]) == (status in {"429", "503"})
                if int(status) >= 400:
                    assert response["content"]["application/json"]["examples"]


def test_an_answer_has_the_documented_fields_and_no_other(
    client: FlaskClient, document: dict[str, Any], coffee: bytes
) -> None:
    form = {
        "image": [(io.BytesIO(photo), "a.jpg") for photo in (coffee, b"x")],
        "heatmap": "1",
        "product": "one",
    }
    for path, answer in {
        "/api/v1/predictions": client.post("/api/v1/predictions", data=form),
        "/api/v1/categories": client.get("/api/v1/categories?q=mug"),
        "/api/v1/models": client.get("/api/v1/models"),
    }.items():
        [call] = document["paths"][path].values()
        assert answer.status_code == 200
        check(document, call["responses"]["200"], answer.get_json())


def test_an_error_has_the_documented_shape(client: FlaskClient, document: dict[str, Any]) -> None:
    answer = client.post("/api/v1/predictions")
    [call] = document["paths"]["/api/v1/predictions"].values()
    check(document, call["responses"]["400"], answer.get_json())


def test_the_document_speaks_the_language_of_the_client(client: FlaskClient) -> None:
    french = client.get(PATH, headers={"Accept-Language": "fr"}).get_json()
    call = french["paths"]["/api/v1/predictions"]["post"]
    assert call["summary"] == "Classer des photos"
    examples = call["responses"]["413"]["content"]["application/json"]["examples"]
    assert examples["too_large"]["value"]["error"]["message"].endswith("Choisissez une photo plus légère.")


@pytest.mark.filterwarnings("default")  # the generated code is not ours
def test_a_client_can_be_made_from_the_document(
    app: Flask, client: FlaskClient, coffee: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openapi.json").write_bytes(client.get(PATH).data)
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json"]
    subprocess.run(
        [*command, "--meta", "none", "--output-path", "made"], cwd=tmp_path, check=True, capture_output=True
    )
    monkeypatch.syspath_prepend(tmp_path)
    made = importlib.import_module("made")
    with made.Client("http://site", httpx_args={"transport": httpx.WSGITransport(app)}) as own:
        models, types = importlib.import_module("made.models"), importlib.import_module("made.types")
        photo = types.File(io.BytesIO(coffee), "a.jpg", "image/jpeg")
        post = importlib.import_module("made.api.default.post_predictions").sync
        get = importlib.import_module("made.api.default.get_categories").sync
        [result] = post(client=own, body=models.PhotoForm(image=[photo])).results
        assert result.predictions[0].category_id in {one.category_id for one in result.predictions}
        assert get(client=own, q="mug").categories[0].slug == "mug"
        refused = post(client=own, body=models.PhotoForm())
        assert refused.error.code == "no_image"


def check(document: dict[str, Any], response: dict[str, Any], answer: Any) -> None:
    """Check an answer against a schema of the document in which no object has further fields."""
    schema = {"$ref": response["content"]["application/json"]["schema"]["$ref"]}
    closed = {
        name: {**kind, "unevaluatedProperties": False}
        for name, kind in document["components"]["schemas"].items()
    }
    jsonschema_rs.Draft202012Validator({**schema, "components": {"schemas": closed}}).validate(answer)
