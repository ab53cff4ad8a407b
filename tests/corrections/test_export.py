"""Corrections as photos to train on, as records, and counted; as the command line does it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from made_up import entry_of

from app import create_app
from app.corrections.store import CorrectionStore, correct, no_category
from app.data.dataset import read_photos
from app.history.entry import Entry
from app.recognition.mapping import read_map
from app.recognition.origin import Origin
from app.recognition.taxonomy import Category, Taxonomy, read_taxonomy
from app.settings import Settings

Say = Callable[..., Entry]


@pytest.fixture
def taxonomy(app: Flask) -> Taxonomy:
    taxonomy: Taxonomy = app.extensions["site"].models.taxonomy
    return taxonomy


def guess(category: Category) -> dict[str, object]:
    return category.to_json() | {"probability": 0.5}


@pytest.fixture
def say(app: Flask, coffee: bytes) -> Say:
    """Say what is right of an answer, of a new one unless one is given; with a photo unless told."""
    store: CorrectionStore = app.extensions["site"].corrections

    def correct_it(
        predicted: Category, right: Category, entry: Entry | None = None, photo: bool = True
    ) -> Entry:
        entry = entry or entry_of([guess(predicted)], origin=Origin(credit="Ann"))
        store.add(correct(entry, right.to_json(), photo), coffee if photo else None)
        return entry

    return correct_it


def export(runner: FlaskCliRunner, folder: Path) -> str:
    result = runner.invoke(args=["corrections", "export", str(folder)])
    assert result.exit_code == 0, result.output
    return result.stdout


def records(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "corrections.jsonl").read_text().splitlines()]


def test_training_reads_what_is_exported(
    runner: FlaskCliRunner, say: Say, taxonomy: Taxonomy, tmp_path: Path, coffee: bytes
) -> None:
    first, second, third = taxonomy.categories[:3]
    for predicted, right in ((first, third), (second, third), (first, first)):
        say(predicted, right)
    assert "3 with a photo, in 2 categories" in export(runner, tmp_path / "new" / "data")
    known = read_taxonomy(tmp_path / "new" / "data" / "taxonomy.csv")
    assert known.categories == (first, third)
    photos = read_photos(tmp_path / "new" / "data", "train", known)
    assert sorted(photos.labels.tolist()) == [0, 1, 1]
    assert photos.read(0) == coffee
    assert photos.open(0).size == (600, 400)


def test_only_the_newest_correction_of_an_answer_counts(
    runner: FlaskCliRunner, say: Say, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    first, second, third = taxonomy.categories[:3]
    entry = say(first, second)
    say(first, third, entry)
    export(runner, tmp_path / "data")
    [record] = records(tmp_path / "data")
    [photo] = (tmp_path / "data").glob("train/*/*.jpg")
    assert photo.parent.name == third.slug
    assert record["file"] == str(photo.relative_to(tmp_path / "data"))
    assert record["model"] == "inception-v3"
    assert record["origin"]["credit"] == "Ann"


def test_a_correction_without_a_photo_is_exported_as_a_record(
    runner: FlaskCliRunner, say: Say, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    say(*taxonomy.categories[:2], photo=False)
    assert "1 corrected answers" in export(runner, tmp_path / "data")
    [record] = records(tmp_path / "data")
    assert record["file"] is None
    assert record["right"]["slug"] == taxonomy.categories[1].slug
    assert not (tmp_path / "data" / "train").exists()


def test_what_shows_none_of_the_categories_is_exported_apart(
    app: Flask, runner: FlaskCliRunner, taxonomy: Taxonomy, tmp_path: Path, coffee: bytes
) -> None:
    entry = entry_of([guess(taxonomy.categories[0])])
    app.extensions["site"].corrections.add(correct(entry, no_category("none", "sledge"), True), coffee)
    export(runner, tmp_path / "data")
    [record] = records(tmp_path / "data")
    assert (tmp_path / "data" / str(record["file"])).parent == tmp_path / "data" / "apart" / "none"
    assert record["right"]["word"] == "sledge"
    assert not (tmp_path / "data" / "train").exists()


def test_a_category_that_the_network_does_not_know_is_said_and_gets_no_folder(
    runner: FlaskCliRunner, say: Say, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    say(taxonomy.categories[0], replace(taxonomy.categories[1], category_id="gone", slug="../gone"))
    assert "1 name a category that is none" in export(runner, tmp_path / "data")
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "corrections.jsonl",
        "taxonomy.csv",
    ]


def test_another_catalogues_category_is_the_networks_where_it_stands_for_one_alone(
    settings: Settings, taxonomy: Taxonomy, tmp_path: Path, coffee: bytes
) -> None:
    path = tmp_path / "shop.csv"
    lines = [
        f"{one.category_id},{'A' if place < 2 else place},{'Both' if place < 2 else place},x"
        for place, one in enumerate(taxonomy.categories)
    ]
    path.write_text("category_id,id,name_en,name_fr\n" + "\n".join(lines))
    app = create_app(replace(settings, taxonomy_map=read_map(path)))
    both, alone, *_ = app.extensions["site"].models.catalogue.taxonomy.categories
    for right in (both, alone):
        entry = entry_of([guess(both)])
        app.extensions["site"].corrections.add(correct(entry, right.to_json(), with_photo=True), coffee)
    assert "1 name a category" in export(app.test_cli_runner(), tmp_path / "data")
    assert [one.name for one in (tmp_path / "data" / "train").iterdir()] == [taxonomy.categories[2].slug]


def test_a_folder_that_is_not_empty_is_left_alone(runner: FlaskCliRunner, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    result = runner.invoke(args=["corrections", "export", str(tmp_path)])
    assert result.exit_code == 1
    assert "is not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mine"]


def test_the_report_counts_the_most_confused_pairs_first(
    runner: FlaskCliRunner, say: Say, taxonomy: Taxonomy
) -> None:
    first, second, third = taxonomy.categories[:3]
    for predicted, right in ((first, second), (first, third), (first, third), (second, second)):
        say(predicted, right, photo=False)
    say(first, third, say(first, second, photo=False), photo=False)
    answer = json.loads(runner.invoke(args=["corrections", "report", "--json"]).stdout)
    assert answer == {
        "answers": 5,
        "confirmed": 1,
        "pairs": [
            {"predicted": first.name_en, "right": third.name_en, "count": 3},
            {"predicted": first.name_en, "right": second.name_en, "count": 1},
        ],
    }
    table = runner.invoke(args=["corrections", "report"], env={"COLUMNS": "200"}).stdout
    assert table.index(third.name_en) < table.index(f"{second.name_en} ")
    assert "5 answers were reviewed, 1 of them confirmed" in table


def test_an_unreachable_store_is_a_sentence(settings: Settings, dead_redis_url: str, tmp_path: Path) -> None:
    runner = create_app(replace(settings, redis_url=dead_redis_url)).test_cli_runner()
    for args in (["report"], ["export", str(tmp_path / "data")]):
        result = runner.invoke(args=["corrections", *args])
        assert result.exit_code == 1
        assert "Traceback" not in result.stderr
        assert "cannot be saved or read" in result.stderr
