"""The command line as its users call it."""

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import hostile_photos
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from helpers import WAIT_SECONDS
from PIL import Image

from app.evaluation.card import read_evaluation
from app.recognition.bundle import FILES, MANIFEST, load_bundle
from app.recognition.prediction import VERDICT_WORDS
from app.recognition.service import ModelService
from app.recognition.taxonomy import write_taxonomy
from app.settings import DEFAULT_MODEL, ROOT, Settings


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
    assert result.stdout.count(" > ") >= 10
    assert result.stdout.count("%") == 4 + 3


def test_the_table_says_how_sure_the_answer_is(runner: FlaskCliRunner, folder: Path) -> None:
    result = runner.invoke(args=["classify", str(folder / "a.jpg")], env={"COLUMNS": "200"})
    assert any(words in result.stdout for words in VERDICT_WORDS.values())


def test_json_is_one_line_a_photo_in_the_documented_shape(runner: FlaskCliRunner, folder: Path) -> None:
    result = runner.invoke(args=["classify", "--json", str(folder)])
    assert result.exit_code == 0
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert list(first) == [
        "path",
        "model",
        "taxonomy",
        "predictions",
        "verdict",
        "in_words",
        "needs_review",
        "roll_up",
        "error",
    ]
    assert first["path"] == str(folder / "a.jpg")
    assert first["model"] == DEFAULT_MODEL
    assert first["error"] is None
    assert len(first["predictions"]) == 4
    assert list(first["predictions"][0]) == [
        "category_id", "slug", "name", "name_fr", "path", "path_en", "path_fr", "probability"
    ]  # fmt: skip
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


def test_heatmaps_are_written_for_each_photo_that_can_be_read(
    runner: FlaskCliRunner, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "heatmaps"
    args = ["classify", "--json", "--heatmaps", str(out), str(folder), str(folder / "notes.txt")]
    result = runner.invoke(args=args)
    assert result.exit_code == 1
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())
    assert first["predictions"][0]["heatmap"]["words"]
    assert third["predictions"] is None
    written = [f"000{number}-{name}-{rank}-{category['slug']}.jpg"
               for number, name, answer in ((1, "a", first), (2, "b", second))
               for rank, category in enumerate(answer["predictions"], start=1)]  # fmt: skip
    assert sorted(path.name for path in out.iterdir()) == written
    with Image.open(out / written[0]) as picture:
        assert picture.size == (600, 400)


def test_the_photos_of_a_folder_are_answered_as_one_product(runner: FlaskCliRunner, folder: Path) -> None:
    result = runner.invoke(args=["classify", "--json", "--product", str(folder), str(folder / "more")])
    assert result.exit_code == 0
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert list(first) == ["path", "model", "taxonomy", "predictions", "verdict", "in_words", "needs_review",
                           "roll_up", "photos", "remark", "results", "error"]  # fmt: skip
    assert (first["path"], first["photos"], first["remark"]) == (str(folder), 2, None)
    assert [one["path"] for one in first["results"]] == [
        str(folder / "a.jpg"),
        str(folder / "more" / "b.JPG"),
    ]
    assert (second["photos"], len(second["results"])) == (1, 1)


def test_a_product_with_a_bad_photo_is_answered_and_the_exit_status_tells(
    runner: FlaskCliRunner, folder: Path
) -> None:
    (folder / "a.jpg").write_bytes(b"")
    result = runner.invoke(args=["classify", "--product", str(folder)], env={"COLUMNS": "400"})
    assert result.exit_code == 1
    assert f"{folder}: 2 photos of one product" in result.stdout
    assert "No photo arrived" in result.stdout
    assert result.stdout.count("%") == 2 * (4 + 3)


def test_a_product_with_too_many_photos_is_a_sentence(
    runner: FlaskCliRunner, folder: Path, coffee: bytes
) -> None:
    for number in range(8):
        (folder / f"{number}.jpg").write_bytes(coffee)
    result = runner.invoke(args=["classify", "--product", str(folder)])
    assert result.exit_code == 1
    assert "a product has 1 to 8 photos, not 10" in result.stderr


def test_many_photos_show_progress_on_stderr_and_leave_stdout_clean(
    runner: FlaskCliRunner, folder: Path
) -> None:
    result = runner.invoke(args=["classify", "--json", str(folder)])
    assert "2/2" in result.stderr
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize("args", [["classify"], ["classify", "/nowhere.jpg"], ["classify", "--what", "."],
                                  ["calibrate"], ["evaluate"], ["train"]])  # fmt: skip
def test_wrong_usage_ends_with_status_2(runner: FlaskCliRunner, args: list[str]) -> None:
    assert runner.invoke(args=args).exit_code == 2


@pytest.mark.parametrize("split", ["val", "train"])
def test_calibrate_fits_a_bundle_to_the_photos_of_a_split(
    runner: FlaskCliRunner, tmp_path: Path, coffee: bytes, service: ModelService, split: str
) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(service.require_ready().folder, weights / "copy")
    for category in service.require_ready().taxonomy.categories:
        (tmp_path / split / category.slug).mkdir(parents=True)
        (tmp_path / split / category.slug / "coffee.jpg").write_bytes(coffee)
    runner.app.extensions["site"].settings = Settings(weights=weights)
    options = ["--split", "val"] if split == "val" else []
    result = runner.invoke(args=["calibrate", "--data", str(tmp_path), *options, "--model", "copy"])
    assert result.exit_code == 0, result.output
    fitted = load_bundle(weights / "copy")
    assert fitted.temperature > service.require_ready().temperature
    assert fitted.manifest["metrics"]["top1"] == service.require_ready().manifest["metrics"]["top1"]
    assert "coverage" not in fitted.manifest["metrics"]  # measured with the old thresholds
    assert read_evaluation(fitted.folder) is None
    assert "sure from never, a level above trusted from" in result.stdout
    assert "--model copy --save" in result.stdout


def test_an_unknown_model_is_a_sentence(runner: FlaskCliRunner, folder: Path) -> None:
    result = runner.invoke(args=["classify", "--model", "none", str(folder)])
    assert result.exit_code == 1
    assert "There is no trained network" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def labelled(tmp_path: Path, coffee: bytes, service: ModelService) -> Path:
    """A data folder where every category has the same photo."""
    for category in service.require_ready().taxonomy.categories:
        folder = tmp_path / "data" / "val" / category.slug
        folder.mkdir(parents=True)
        (folder / "coffee-1.jpg").write_bytes(coffee)
    return tmp_path / "data"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own
@pytest.mark.parametrize("engine", ["openvino", pytest.param("keras", marks=pytest.mark.slow)])
def test_evaluate_measures_labelled_photos_through_the_serving_path(
    runner: FlaskCliRunner, labelled: Path, service: ModelService, engine: str
) -> None:
    result = runner.invoke(args=["evaluate", "--json", "--engine", engine, "--data", str(labelled)])
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    classes = len(service.require_ready().taxonomy)
    assert figures["photos"] == classes
    assert figures["top1"]["value"] == pytest.approx(1 / classes, abs=1e-6)
    assert figures["top4"]["value"] == pytest.approx(4 / classes, abs=1e-6)


def test_figures_of_another_engine_than_the_one_that_serves_are_not_kept(
    runner: FlaskCliRunner, labelled: Path
) -> None:
    result = runner.invoke(args=["evaluate", "--data", str(labelled), "--engine", "keras", "--save"])
    assert result.exit_code == 2
    assert "--save is for what was measured of the serving engine" in " ".join(result.stderr.split())


def test_figures_of_photos_trained_on_are_not_kept(runner: FlaskCliRunner, labelled: Path) -> None:
    result = runner.invoke(args=["evaluate", "--data", str(labelled), "--split", "train", "--save"])
    assert result.exit_code == 2
    assert "photos not trained on" in result.stderr


def test_evaluate_takes_photos_of_only_some_categories(
    runner: FlaskCliRunner, labelled: Path, service: ModelService
) -> None:
    first, second, *others = service.require_ready().taxonomy.categories
    for category in others:
        shutil.rmtree(labelled / "val" / category.slug)
    result = runner.invoke(args=["evaluate", "--data", str(labelled)])
    assert result.exit_code == 0, result.output
    assert f"Of {len(others)} of {len(others) + 2} categories there is no photo." in result.stdout
    assert first.slug in result.stdout
    assert second.slug in result.stdout


@pytest.fixture
def parts(tmp_path: Path, coffee: bytes, service: ModelService) -> Path:
    """A data folder with photos like those trained on, from elsewhere, of another category and of none."""
    (first, second), path = service.require_ready().taxonomy.categories[:2], tmp_path / "data"
    other = replace(first, category_id=1, slug="hovercraft")
    names = (f"val/{first.slug}/web-1", f"val_2/{second.slug}/web-2", f"val_2/{second.slug}/web-3",
             f"shops/{first.slug}/shop-1", "shops/hovercraft/shop-2", "unknown/shop-3", "not_product/cat-1",
             "not_product/cat-2")  # fmt: skip
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / f"{name}.jpg").write_bytes(coffee)
    write_taxonomy(path / "taxonomy.csv", [first, second, other])
    return path


def test_evaluate_measures_photos_from_elsewhere_and_of_other_categories_apart(
    runner: FlaskCliRunner, parts: Path
) -> None:
    args = ["evaluate", "--json", "--data", str(parts), "--split", "val,val_2", "--elsewhere", "shops"]
    result = runner.invoke(args=args)
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["split"], figures["photos"]) == ("val,val_2", 3)
    assert (figures["elsewhere"]["split"], figures["elsewhere"]["photos"]) == ("shops", 1)
    assert [group["name"] for group in figures["elsewhere"]["sources"]] == ["shop"]
    assert figures["unknown"]["sure"]["photos"] == 2
    assert figures["not_product"]["sure"]["photos"] == 2


def test_the_tables_of_evaluate_begin_with_the_photos_from_elsewhere(
    runner: FlaskCliRunner, parts: Path
) -> None:
    args = ["evaluate", "--data", str(parts), "--split", "val,val_2", "--elsewhere", "shops"]
    said = runner.invoke(args=args, env={"COLUMNS": "200"}).stdout
    titles = ("(shops)", "by department", "val,val_2", "other categories: answered", "no product: answered")
    places = [said.index(title) for title in titles]
    assert places == sorted(places)


def test_a_file_of_photos_has_none_from_elsewhere(runner: FlaskCliRunner, tmp_path: Path) -> None:
    (tmp_path / "train.bson").touch()
    args = ["evaluate", "--data", str(tmp_path / "train.bson"), "--elsewhere", "shops"]
    result = runner.invoke(args=args)
    assert result.exit_code == 2
    assert "--elsewhere is for a folder of photos" in result.stderr


def test_a_report_that_cannot_be_written_is_reported_before_a_photo_is_classified(
    runner: FlaskCliRunner, labelled: Path
) -> None:
    result = runner.invoke(args=["evaluate", "--data", str(labelled), "--report", "/proc/nowhere"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: /proc/nowhere: ")
    assert "classifying" not in result.stderr


def test_a_report_that_fails_in_the_end_leaves_the_figures_on_the_screen(
    runner: FlaskCliRunner, labelled: Path, tmp_path: Path
) -> None:
    (tmp_path / "report" / "report.html").mkdir(parents=True)
    result = runner.invoke(
        args=["evaluate", "--json", "--data", str(labelled), "--report", str(tmp_path / "report")]
    )
    assert result.exit_code == 1
    assert "report.html: Is a directory." in result.stderr
    assert json.loads(result.stdout)["photos"]


def test_evaluate_writes_a_report_and_keeps_the_figures_in_the_bundle(
    app: Flask, labelled: Path, tmp_path: Path, service: ModelService
) -> None:
    shipped, copy = service.require_ready().folder, tmp_path / "weights" / service.require_ready().model
    copy.mkdir(parents=True)
    for name in FILES:
        (copy / name).symlink_to(shipped / name)
    (copy / MANIFEST).write_bytes((shipped / MANIFEST).read_bytes())
    app.extensions["site"].settings = replace(app.extensions["site"].settings, weights=copy.parent)
    report = tmp_path / "report"
    result = app.test_cli_runner().invoke(
        args=["evaluate", "--data", str(labelled), "--report", str(report), "--save"]
    )
    assert result.exit_code == 0, result.output
    assert "top-1" in result.stdout
    assert service.require_ready().model in (report / "report.html").read_text()
    assert json.loads((copy / MANIFEST).read_text())["metrics"]["photos"] == len(
        service.require_ready().taxonomy
    )
    page = app.test_client().get("/model/").text
    assert "coffee" in page  # the data set that the photos are named after


EVIL = "red\x1b[31m\u202e\x07\udcff.jpg"


def test_a_name_of_a_file_does_nothing_to_the_terminal(
    runner: FlaskCliRunner, tmp_path: Path, coffee: bytes
) -> None:
    for photo in (coffee, b""):
        (tmp_path / EVIL).write_bytes(photo)
        shown = runner.invoke(args=["classify", str(tmp_path)], env={"COLUMNS": "500"}).output
        assert r"red\x1b[31m\u202e\x07\udcff.jpg" in "".join(shown.split())
        assert not set(shown) & set(EVIL) - set("red[31m.jpg")


def test_nor_does_a_fault_that_repeats_it(runner: FlaskCliRunner, tmp_path: Path, coffee: bytes) -> None:
    folder = tmp_path / EVIL
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.jpg").write_bytes(coffee)
    shown = runner.invoke(args=["classify", "--product", str(folder)]).output
    assert "1 to 8 photos" in shown
    assert r"\x1b" in shown
    assert not set(shown) & set(EVIL) - set("red[31m.jpg")


def test_photos_of_phones_are_answered_and_what_is_passed_over_is_told(
    runner: FlaskCliRunner, folder: Path
) -> None:
    (folder / "IMG_0001.HEIC").write_bytes(hostile_photos.heic())
    (folder / "c.avif").write_bytes(hostile_photos.avif())
    (folder / "._a.jpg").write_bytes(b"a companion of macOS")
    (folder / "film.mov").touch()
    result = runner.invoke(args=["classify", "--json", str(folder)])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 4
    assert "Passed over: 1 .mov, 1 .txt.\n" in result.stderr


def test_what_is_no_file_in_a_folder_is_passed_over(runner: FlaskCliRunner, folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    (folder / "device.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener, chdir(folder):  # as paths of sockets are short
        listener.bind("socket.jpg")
    result = runner.invoke(args=["classify", "--json", str(folder)])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize("options", [["--json"], []], ids=["json", "table"])
def test_a_reader_who_has_had_enough_ends_the_command_quietly(
    folder: Path, small_weights: Path, coffee: bytes, options: list[str]
) -> None:
    for number in range(40):
        (folder / f"{number}.jpg").write_bytes(coffee)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "classify", *options, str(folder)]
    environment = os.environ | {"WEIGHTS": str(small_weights), "INSTANCE": str(folder.parent / "instance")}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        if options:
            assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(WAIT_SECONDS) == 1
    assert "Error" not in said
    assert "Exception" not in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_the_letters_of_a_name_is_shown_their_codes(
    folder: Path, tmp_path: Path, encoding: str
) -> None:
    (folder / "a.jpg").rename(folder / "日本.jpg")
    own = {"FLASK_APP": str(ROOT / "wsgi.py"), "INSTANCE": str(tmp_path), "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "flask", "classify", str(folder / "日本.jpg")]
    shown = subprocess.run(command, cwd=ROOT, env=os.environ | own | {"COLUMNS": "200"}, capture_output=True)
    assert shown.returncode == 0, shown.stderr
    assert rb"\u65e5\u672c.jpg" in shown.stdout


@pytest.mark.parametrize("name", ["日本語" * 25, "\N{GRINNING FACE}" * 60, "x" * 250, "caf\udce9"])
def test_heatmaps_of_a_photo_with_a_long_or_odd_name_are_written(
    runner: FlaskCliRunner, folder: Path, tmp_path: Path, name: str
) -> None:
    photo = (folder / "a.jpg").rename(folder / f"{name}.jpg")
    result = runner.invoke(args=["classify", "--json", "--heatmaps", str(tmp_path / "maps"), str(photo)])
    assert result.exit_code == 0, result.output
    written = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert [each[:8] for each in written] == [f"0001-{name[:3]}"] * 4


def test_heatmaps_of_such_a_photo_are_written_where_the_system_itself_speaks_ascii(
    folder: Path, tmp_path: Path, small_weights: Path
) -> None:
    (folder / "a.jpg").rename(folder / "日本.jpg")
    own = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "WEIGHTS": str(small_weights),
        "INSTANCE": str(tmp_path / "kept"),
    }
    command = [
        sys.executable,
        "-m",
        "flask",
        "--app",
        "wsgi",
        "classify",
        "--heatmaps",
        str(tmp_path / "maps"),
    ]
    command.append(str(folder / "日本.jpg"))
    done = subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert [path.name[:8] for path in (tmp_path / "maps").iterdir()] == ["0001-日本-"] * 4
