"""`flask train`, from drawings to a bundle that serves.

One run trains the real Inception V3. All others have a small network in its place. A run that trains is a
process of its own, as it is for its users, so that TensorFlow has nothing of this one to trip over.
"""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import small_network
from click.testing import Result
from small_network import environment

from app import create_app
from app.recognition.bulk import classify_files
from app.recognition.service import ModelService
from app.settings import ROOT, Settings
from app.training.claim import claim

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own
OPTIONS = ["train", "--arch", "inception_v3", "--init", "random", "--batch-size", "8"]
SHORT = ["--stage", "mixed10:2:0.01:75", "--stage", "mixed9:4:0.001:75"]
SMALL = ROOT / "tests" / "small_network.py"
KILLED = """
import os, signal, sys

import small_network
from app.training import export, fit
from flask.cli import main

moment = sys.argv.pop(1)
save = fit._save

def save_and_die(network, progress, run):
    save(network, progress, run)
    if moment == f"in stage {progress.stage}" and progress.step:
        os.kill(os.getpid(), signal.SIGKILL)

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

fit._save = save_and_die
if moment == "while writing":
    export._save_float16 = die
with small_network.in_place():
    main()
"""

Train = Callable[..., Result]


def weights(bundle: Path) -> list[np.ndarray]:
    import h5py

    def read(group: h5py.Group) -> Iterator[np.ndarray]:
        for item in group.values():
            if isinstance(item, h5py.Dataset):
                yield item[()]
            else:
                yield from read(item)

    with h5py.File(bundle / "network.weights.h5") as file:
        return list(read(file))


def run(drawings: Path, out: Path, *options: str, script: Sequence[str | Path] = (SMALL,)) -> str:
    """Train in a process of its own; return what it said."""
    command = [sys.executable, *script, *OPTIONS, "--data", drawings, "--out", out, *options]
    ended = subprocess.run(
        command, cwd=out.parent, env=environment(out.parent), capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def train(drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Train]:
    """Run the command in this process, with the small network, where it fails before it trains."""
    runner = create_app(Settings(instance=tmp_path_factory.mktemp("site") / "instance")).test_cli_runner()

    def run(out: Path, *options: str) -> Result:
        return runner.invoke(args=[*OPTIONS, "--data", str(drawings), "--out", str(out), *options])

    with small_network.in_place():
        yield run


def said(result: Result) -> str:
    """Return what a command that failed has told, as one line."""
    assert result.exit_code in {1, 2}
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def real_run(drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Train Inception V3 for one epoch of 75 px; return the bundle and what the command said."""
    out = tmp_path_factory.mktemp("real") / "drawn"
    said = run(drawings, out, "--stage", "mixed10:1:0.01:75", script=("-m", "flask"))
    assert f"Wrote {out}" in said
    return out, said


@pytest.fixture(scope="module")
def real(real_run: tuple[Path, str]) -> Path:
    return real_run[0]


def test_the_terminal_shows_what_the_command_says_and_nothing_of_the_libraries(
    real_run: tuple[Path, str],
) -> None:
    _, said = real_run
    assert "Training on the processor, as TensorFlow finds no GPU." in said
    noise = ("absl", "oneDNN", "cuda", "rebuild", "E0000", "I0000", "NNCF", "WARNING", "INFO")
    assert [line for line in said.splitlines() if any(word in line for word in noise)] == []


def test_the_bundle_serves_what_it_was_trained_on(real: Path, drawings: Path) -> None:
    service = ModelService(real)
    (result,) = classify_files(service, [next((drawings / "val" / "disc").iterdir())])
    assert result.prediction
    assert {guess.category.slug for guess in result.prediction.guesses} == {"disc", "frame", "stripes"}
    assert sum(guess.probability for guess in result.prediction.guesses) == pytest.approx(1)


def test_the_manifest_says_how_it_was_trained_and_how_right_it_is(real: Path) -> None:
    manifest = json.loads((real / "manifest.json").read_text())
    assert manifest["architecture"] == "inception_v3"
    assert len(manifest["training"]["curve"]) == 1
    assert len(manifest["taught"]) == 3
    assert f"{sum(manifest['taught'])} photos trained on" in manifest["training"]["data"]
    assert manifest["metrics"]["photos"] == 9
    assert 0 <= manifest["metrics"]["top1"] <= manifest["metrics"]["top4"] == 1


@pytest.fixture(scope="module")
def bundle(drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the small network in two stages."""
    out = tmp_path_factory.mktemp("whole") / "drawn"
    run(drawings, out, *SHORT)
    assert len(json.loads((out / "manifest.json").read_text())["training"]["curve"]) == 6
    return out


def test_a_run_killed_in_each_stage_and_while_it_writes_the_bundle_ends_with_the_same_network(
    bundle: Path, drawings: Path, tmp_path: Path
) -> None:
    out = tmp_path / "drawn"
    options = [*OPTIONS, "--data", str(drawings), "--out", str(out), *SHORT]
    for moment in ("in stage 0", "in stage 1", "while writing"):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, moment, *options], cwd=tmp_path, env=environment(tmp_path)
        )
        assert killed.returncode == -signal.SIGKILL
        assert not out.exists()
        options += ["--resume"] * ("--resume" not in options)
    run(drawings, out, *SHORT, "--resume")
    for one, other in zip(weights(bundle), weights(out), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_goes_on_from_a_bundle_and_learns_from_a_teacher(
    bundle: Path, drawings: Path, tmp_path: Path
) -> None:
    out = tmp_path / "further"
    options = ["--init", str(bundle), "--teacher", str(bundle), "--stage", "mixed10:1:0.01:75"]
    run(drawings, out, *options)
    training = json.loads((out / "manifest.json").read_text())["training"]
    assert (training["init"], training["teachers"]) == ("drawn", ["drawn"])
    moved = [not np.allclose(*pair, atol=1e-6) for pair in zip(weights(bundle), weights(out), strict=True)]
    assert sum(moved) == 2  # kernel and bias of the head: what was folded and frozen came back as it was


def test_a_run_is_not_resumed_with_other_options(train: Train, tmp_path: Path) -> None:
    (tmp_path / "drawn.run").mkdir()
    (tmp_path / "drawn.run" / "options.json").write_text("{}")
    (tmp_path / "drawn.run" / "checkpoint.npz").write_bytes(b"hours of work")
    assert "other options or photos" in said(train(tmp_path / "drawn", *SHORT, "--resume"))


def test_an_unfinished_run_is_never_overwritten(train: Train, tmp_path: Path) -> None:
    (tmp_path / "drawn.run").mkdir()
    (tmp_path / "drawn.run" / "checkpoint.npz").write_bytes(b"hours of work")
    assert "--resume" in said(train(tmp_path / "drawn", *SHORT))
    assert (tmp_path / "drawn.run" / "checkpoint.npz").read_bytes() == b"hours of work"


def test_a_run_that_another_process_holds_is_left_alone(train: Train, tmp_path: Path) -> None:
    (tmp_path / "drawn.run").mkdir()
    with claim(tmp_path / "drawn.run" / "lock"):
        assert "Another process is at work on" in said(train(tmp_path / "drawn", *SHORT))


def test_a_folder_that_is_not_a_bundle_is_never_replaced_by_one(train: Train, tmp_path: Path) -> None:
    (tmp_path / "weights" / "others").mkdir(parents=True)
    answer = said(train(tmp_path / "weights", *SHORT))
    assert "weights is there and no bundle. Name a folder of its own" in answer
    assert (tmp_path / "weights" / "others").exists()


@pytest.mark.parametrize(("options", "sentence"), [
    (["--stage", "mixed8"], "is not LAYER:EPOCHS:RATE:SIDE"),
    (["--stage", "mixed8:0:0.01:75"], "takes 1 epoch or more"),
    (["--stage", "mixed8:1:0.01:32"], "75 px or more"),
    ([*SHORT, "--stage", "mixd5:1:0.01:75"], "has no layer 'mixd5'"),
    (["--batch-size", "0"], "not in the range"),
    (["--init", "nowhere.h5"], "nowhere.h5 holds no weights of inception_v3"),
    (["--resume"], "no checkpoint"),
    (["--level", "2"], "are for train.bson"),
    (["--all", "--per-category", "9"], "exclude each other"),
])  # fmt: skip
def test_a_wrong_option_is_answered_with_a_sentence(
    train: Train, tmp_path: Path, options: list[str], sentence: str
) -> None:
    assert sentence in said(train(tmp_path / "drawn", *options))


def test_a_category_whose_photos_cannot_be_read_is_told_before_training(
    train: Train, drawings: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    for photo in (data / "train" / "stripes").iterdir():
        photo.write_bytes(b"not a photo")
    told = said(train(tmp_path / "drawn", "--data", str(data)))
    assert "can be read for 1 of 3 categories, such as stripes." in told
