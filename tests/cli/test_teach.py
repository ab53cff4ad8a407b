"""`flask teach` as its users call it."""

import shutil
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from helpers import jpeg, upload
from made_up import entry_of
from PIL import Image

from app import create_app
from app.corrections.store import correct
from app.recognition.bundle import load_bundle
from app.settings import Settings


@pytest.fixture
def app(tmp_path: Path, small_weights: Path) -> Flask:
    shutil.copytree(small_weights, tmp_path / "weights")
    return create_app(Settings(instance=tmp_path / "instance", weights=tmp_path / "weights"))


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


def teach(runner: FlaskCliRunner, *args: str | Path) -> str:
    result = runner.invoke(args=["teach", *map(str, args)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_folders_become_a_bundle_with_which_the_site_answers(
    runner: FlaskCliRunner, drawings: Path, tmp_path: Path, coffee: bytes
) -> None:
    out = tmp_path / "weights" / "shop"
    said = teach(runner, drawings / "train", "--out", out)
    assert "of 24 photos are right" in said
    client = create_app(Settings(instance=tmp_path / "i", weights=out.parent, model="shop")).test_client()
    answer = upload(client, coffee)
    page = client.get(answer.location).text
    assert any(name in page for name in ("disc", "frame", "stripes"))
    assert client.get(f"{answer.location}/heatmaps/").status_code in {200, 404}


def test_a_table_names_the_categories_and_a_missing_photo_is_told(
    runner: FlaskCliRunner, drawings: Path, tmp_path: Path
) -> None:
    rows = [f"{path.relative_to(drawings)};{path.parent.name} > x" for path in drawings.glob("train/*/*")]
    table = tmp_path / "labels.csv"
    table.write_text("path;category\n" + "\n".join([*rows, "train/disc/gone.jpg;disc > x"]))
    result = runner.invoke(
        args=["teach", str(drawings), "--labels", str(table), "--out", str(tmp_path / "weights" / "shop")]
    )
    assert result.exit_code == 0, result.output
    assert "gone.jpg" in result.stderr
    assert load_bundle(tmp_path / "weights" / "shop").taxonomy.categories[0].path == ("disc", "x")


def test_a_category_with_one_photo_is_taught_and_not_measured(
    runner: FlaskCliRunner, drawings: Path, tmp_path: Path
) -> None:
    shutil.copytree(drawings / "train", tmp_path / "photos")
    (tmp_path / "photos" / "lone").mkdir()
    (tmp_path / "photos" / "lone" / "1.jpg").write_bytes(jpeg(Image.new("RGB", (20, 20), "red")))
    said = teach(runner, tmp_path / "photos", "--out", tmp_path / "weights" / "shop")
    assert any("lone" in line and "not measured" in line for line in said.splitlines())


def test_corrections_are_taught_to_the_categories_that_are_there(
    runner: FlaskCliRunner, drawings: Path, tmp_path: Path
) -> None:
    base = tmp_path / "weights" / "shop"
    teach(runner, drawings / "train", "--out", base)
    taught = create_app(Settings(instance=tmp_path / "i", weights=base.parent, model="shop"))
    disc, frame, _ = load_bundle(base).taxonomy.categories
    for path in sorted((drawings / "val" / "frame").glob("*.jpg")):
        entry = entry_of([disc.to_json() | {"probability": 0.5}])
        taught.extensions["site"].corrections.add(correct(entry, frame.to_json(), True), path.read_bytes())
    said = teach(taught.test_cli_runner(), "--corrections", "--out", base.with_name("shop-2"))
    assert "frame" in said
    assert load_bundle(base.with_name("shop-2")).taxonomy == load_bundle(base).taxonomy


@pytest.mark.parametrize(
    ("args", "said"),
    [([], "Name a folder"), (["--labels", "table"], "--labels needs"),
     (["photos", "--add-to", "photos", "--model", "x"], "exclude")],
)  # fmt: skip
def test_options_that_do_not_fit_are_told_in_a_sentence(
    runner: FlaskCliRunner, tmp_path: Path, args: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "table").touch()
    result = runner.invoke(args=["teach", *args, "--out", "out"])
    assert result.exit_code == 2
    assert said in result.output


def test_a_folder_that_is_no_bundle_is_not_replaced(
    runner: FlaskCliRunner, drawings: Path, tmp_path: Path
) -> None:
    result = runner.invoke(args=["teach", str(drawings / "train"), "--out", str(tmp_path / "weights")])
    assert result.exit_code == 1
    assert "no bundle" in result.output
