"""The command line as its users call it."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner

from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL


@pytest.fixture
def folder(tmp_path: Path, coffee: bytes) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(coffee)
    (folder / "more" / "b.JPG").write_bytes(coffee)
    (folder / "notes.txt").write_text("not a photo")
    return folder


def test_a_photo_is_shown_as_a_table_of_four_categories(runner: FlaskCliRunner, folder: Path) -> None:
    result = runner.invoke(args=["classify", str(folder / "a.jpg")], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert result.stdout.count(" > ") == 8
    assert result.stdout.count("%") == 4


def test_json_is_one_line_a_photo_in_the_documented_shape(runner: FlaskCliRunner, folder: Path) -> None:
    result = runner.invoke(args=["classify", "--json", str(folder)])
    assert result.exit_code == 0
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert list(first) == ["path", "model", "taxonomy", "predictions", "error"]
    assert first["path"] == str(folder / "a.jpg")
    assert first["model"] == DEFAULT_MODEL
    assert first["error"] is None
    assert len(first["predictions"]) == 4
    assert list(first["predictions"][0]) == ["category_id", "slug", "name", "name_fr", "path", "probability"]
    assert second["path"] == str(folder / "more" / "b.JPG")


def test_a_bad_file_gets_its_own_line_and_the_run_goes_on(runner: FlaskCliRunner, folder: Path) -> None:
    (folder / "a.jpg").write_bytes(b"")
    result = runner.invoke(args=["classify", "--json", str(folder), str(folder / "notes.txt")])
    assert result.exit_code == 1
    empty, good, text = (json.loads(line) for line in result.stdout.splitlines())
    assert empty["error"]["code"] == "no_image"
    assert empty["predictions"] is None
    assert good["error"] is None
    assert text["error"]["code"] == "unsupported_format"


def test_a_bad_file_is_a_line_of_the_table_too(runner: FlaskCliRunner, folder: Path) -> None:
    result = runner.invoke(args=["classify", str(folder / "notes.txt")], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert "not a photo we can read" in result.stdout


def test_many_photos_show_progress_on_stderr_and_leave_stdout_clean(
    runner: FlaskCliRunner, folder: Path
) -> None:
    result = runner.invoke(args=["classify", "--json", str(folder)])
    assert "2/2" in result.stderr
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize("args", [["classify"], ["classify", "/nowhere.jpg"], ["classify", "--what", "."],
                                  ["evaluate"], ["train"]])  # fmt: skip
def test_wrong_usage_ends_with_status_2(runner: FlaskCliRunner, args: list[str]) -> None:
    assert runner.invoke(args=args).exit_code == 2


def test_an_unknown_model_is_a_sentence(runner: FlaskCliRunner, folder: Path) -> None:
    result = runner.invoke(args=["classify", "--model", "none", str(folder)])
    assert result.exit_code == 1
    assert "There is no trained network" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own
@pytest.mark.parametrize("engine", ["openvino", "keras"])
def test_evaluate_measures_labelled_photos_through_the_serving_path(
    runner: FlaskCliRunner, tmp_path: Path, coffee: bytes, service: ModelService, engine: str
) -> None:
    for category in service.bundle.taxonomy.categories:
        folder = tmp_path / "val" / category.slug
        folder.mkdir(parents=True)
        (folder / "coffee.jpg").write_bytes(coffee)
    result = runner.invoke(args=["evaluate", "--json", "--engine", engine, "--data", str(tmp_path)])
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    classes = len(service.bundle.taxonomy)
    assert figures["photos"] == classes
    assert figures["top1"] == pytest.approx(1 / classes)
    assert figures["top4"] == pytest.approx(4 / classes)
