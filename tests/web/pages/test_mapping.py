"""The whole site in another catalogue's words: page, JSON and command line."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token

from app import create_app
from app.recognition.mapping import read_map
from app.recognition.service import ModelService
from app.settings import Settings


@pytest.fixture
def mapped(settings: Settings, tmp_path: Path, service: ModelService) -> Flask:
    """The site with every department of Cdiscount's tree as one category of another catalogue."""
    departments = sorted({category.level1 for category in service.require_ready().taxonomy.categories})
    lines = [
        f"{one.category_id},D/{departments.index(one.level1)},Shelf {one.level1},Rayon {one.level1}"
        for one in service.require_ready().taxonomy.categories
    ]
    path = tmp_path / "shelves.csv"
    path.write_text("category_id,id,name_en,name_fr\n" + "\n".join(lines), encoding="utf-8")
    app = create_app(replace(settings, taxonomy_map=read_map(path)))
    app.extensions["site"].models.service().wait()
    return app


@pytest.fixture
def visitor(mapped: Flask) -> FlaskClient:
    return mapped.test_client()


def test_the_page_answers_and_keeps_the_answer_in_the_other_catalogue(
    visitor: FlaskClient, coffee: bytes
) -> None:
    form = {"csrf_token": csrf_token(visitor), "image": (io.BytesIO(coffee), "a.jpg")}
    location = visitor.post("/classify/", data=form).location
    page = visitor.get(location).text
    assert page.count("Shelf ") >= 4
    assert re.search(r"<dt>Taxonomy</dt><dd>cdiscount-\d+-\w+\+shelves-\d+-\w+</dd>", page)
    assert visitor.get(f"{location}/heatmaps").text.count("Heatmap for Shelf ") == 4
    assert visitor.get(f"{location}/heatmaps.jpg").status_code == 200


def test_an_answer_from_before_the_mapping_has_no_heatmap(
    mapped: Flask, client: FlaskClient, coffee: bytes
) -> None:
    form = {"csrf_token": csrf_token(client), "image": (io.BytesIO(coffee), "a.jpg")}
    location = client.post("/classify/", data=form).location
    client.application.extensions["site"].models = mapped.extensions["site"].models
    assert client.get(location).status_code == 200
    assert client.get(f"{location}/heatmaps").status_code == 404


def test_the_api_answers_in_the_other_catalogue(visitor: FlaskClient, coffee: bytes) -> None:
    answer = visitor.post("/api/v1/predictions", data={"image": (io.BytesIO(coffee), "a.jpg")}).get_json()
    assert "+shelves-" in answer["taxonomy"]
    best = answer["results"][0]["predictions"][0]
    assert best["category_id"].startswith("D/")
    assert best["path"] == [best["name"]]


def test_the_command_line_answers_in_the_other_catalogue(
    mapped: Flask, tmp_path: Path, coffee: bytes
) -> None:
    (tmp_path / "a.jpg").write_bytes(coffee)
    out = tmp_path / "out"
    args = ["classify", "--json", "--heatmaps", str(out), str(tmp_path / "a.jpg")]
    answer = json.loads(mapped.test_cli_runner().invoke(args=args).stdout)
    assert "+shelves-" in answer["taxonomy"]
    assert all(one["name_fr"].startswith("Rayon ") for one in answer["predictions"])
    assert len(list(out.iterdir())) == 4


def test_the_categories_say_what_they_are_answered_as(visitor: FlaskClient) -> None:
    taxonomy = visitor.application.extensions["site"].models.taxonomy
    assert visitor.get("/categories/").text.count("Answered as Shelf ") == len(taxonomy)
    assert "Answered as" in visitor.get(f"/categories/{taxonomy.categories[0].category_id}").text


def test_the_page_about_the_model_lists_what_is_loaded(visitor: FlaskClient) -> None:
    visitor.application.extensions["site"].models.service().wait()
    page = visitor.get("/model/").text
    loaded = page[page.index("What is loaded") :]
    assert re.search(r"<td>ready</td><td[^>]*>cdiscount-\d+-\w+\+shelves-", loaded)
    assert re.search(r"<td>not loaded</td><td[^>]*>cdiscount-\d+-\w+\+shelves-", loaded)
    assert "<strong>shelves</strong>" in loaded


def test_an_answer_is_corrected_in_the_other_catalogue(visitor: FlaskClient, coffee: bytes) -> None:
    form = {"csrf_token": csrf_token(visitor), "image": (io.BytesIO(coffee), "a.jpg")}
    location = visitor.post("/classify/", data=form).location
    [sport] = visitor.get("/api/v1/categories?q=shelf+sport").get_json()["categories"]
    assert sport["name"] == "Shelf SPORT"
    assert f'value="{sport["category_id"]}"' in visitor.get(f"{location}/correct?q=rayon+sport").text
    form = {"csrf_token": csrf_token(visitor), "category": sport["category_id"]}
    assert visitor.post(f"{location}/correct", data=form).status_code == 303
    assert "Corrected to Shelf SPORT" in visitor.get(location).text
