"""`flask train`, from drawings to a bundle that serves. One stage at 75 px keeps it short."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.recognition.bulk import classify_files
from app.recognition.service import ModelService
from app.settings import ROOT
from app.training.claim import claim
from app.training.fit import CHECKPOINT

COMMAND = [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), "train", "--arch", "inception_v3",
           "--init", "random", "--batch-size", "8"]  # fmt: skip
SHORT = ["--stage", "mixed10:2:0.01:75", "--stage", "mixed9:4:0.001:75"]


def start(drawings: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [*COMMAND, "--data", str(drawings), "--out", str(out), *options]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "INSTANCE": str(out.parent / "instance")}
    return subprocess.Popen(command, cwd=out.parent, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def run(drawings: Path, out: Path, *options: str) -> str:
    with start(drawings, out, *options) as process:
        output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output + errors


def weights(bundle: Path) -> list[np.ndarray]:
    import h5py

    found: list[np.ndarray] = []
    with h5py.File(bundle / "network.weights.h5") as file:
        file.visititems(lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.fixture(scope="module")
def bundle(drawings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "drawn"
    output = run(drawings, out, *SHORT)
    assert f"Wrote {out}" in output
    assert "Training on the processor, as TensorFlow finds no GPU." in output
    return out


def test_the_bundle_serves_what_it_was_trained_on(bundle: Path, drawings: Path) -> None:
    service = ModelService(bundle)
    (result,) = classify_files(service, [next((drawings / "val" / "disc").iterdir())])
    assert result.prediction
    assert {guess.category.slug for guess in result.prediction.guesses} == {"disc", "frame", "stripes"}
    assert sum(guess.probability for guess in result.prediction.guesses) == pytest.approx(1)


def test_the_manifest_says_how_it_was_trained_and_how_right_it_is(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["architecture"] == "inception_v3"
    assert len(manifest["training"]["curve"]) == 6
    assert manifest["metrics"]["photos"] == 9
    assert 0 <= manifest["metrics"]["top1"] <= manifest["metrics"]["top4"] == 1


def is_within(run: Path, stage: int) -> bool:
    """Tell whether the last checkpoint of a run stands in the middle of a stage."""
    if not (run / CHECKPOINT).exists():
        return False
    with np.load(run / CHECKPOINT) as checkpoint:
        progress = json.loads(str(checkpoint["progress"]))
    return progress["stage"] == stage and progress["step"] > 0


@pytest.mark.parametrize("killed", [
    lambda run: is_within(run, 0), lambda run: is_within(run, 1), lambda run: (run / "drawn").exists()
], ids=["in the first stage", "in the second stage", "while writing the bundle"])  # fmt: skip
def test_a_killed_run_resumes_to_the_same_network(
    bundle: Path, drawings: Path, tmp_path: Path, killed: Callable[[Path], bool]
) -> None:
    out = tmp_path / "drawn"
    with start(drawings, out, *SHORT) as process:
        while not killed(tmp_path / "drawn.run"):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    run(drawings, out, *SHORT, "--resume")
    for whole, resumed in zip(weights(bundle), weights(out), strict=True):
        np.testing.assert_array_equal(whole, resumed)


def test_training_goes_on_from_a_bundle_and_learns_from_a_teacher(
    bundle: Path, drawings: Path, tmp_path: Path
) -> None:
    out = tmp_path / "further"
    run(drawings, out, "--init", str(bundle), "--teacher", str(bundle), "--stage", "mixed10:1:0.01:75")
    training = json.loads((out / "manifest.json").read_text())["training"]
    assert (training["init"], training["teachers"]) == ("drawn", ["drawn"])
    moved = [not np.allclose(*pair, atol=1e-6) for pair in zip(weights(bundle), weights(out), strict=True)]
    assert sum(moved) == 2  # kernel and bias of the head: what was folded and frozen came back as it was


def test_a_run_is_not_resumed_with_other_options(drawings: Path, tmp_path: Path) -> None:
    (tmp_path / "drawn.run").mkdir()
    (tmp_path / "drawn.run" / "options.json").write_text("{}")
    (tmp_path / "drawn.run" / "checkpoint.npz").write_bytes(b"hours of work")
    with start(drawings, tmp_path / "drawn", *SHORT, "--resume") as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert "other options or photos" in " ".join(errors.split())


def test_an_unfinished_run_is_never_overwritten(drawings: Path, tmp_path: Path) -> None:
    (tmp_path / "drawn.run").mkdir()
    (tmp_path / "drawn.run" / "checkpoint.npz").write_bytes(b"hours of work")
    with start(drawings, tmp_path / "drawn", *SHORT) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert "--resume" in errors
    assert (tmp_path / "drawn.run" / "checkpoint.npz").read_bytes() == b"hours of work"


def test_a_run_that_another_process_holds_is_left_alone(drawings: Path, tmp_path: Path) -> None:
    (tmp_path / "drawn.run").mkdir()
    with claim(tmp_path / "drawn.run" / "lock"), start(drawings, tmp_path / "drawn", *SHORT) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert "Another process is at work on" in " ".join(errors.split())


def test_a_folder_that_is_not_a_bundle_is_never_replaced_by_one(drawings: Path, tmp_path: Path) -> None:
    (tmp_path / "weights" / "others").mkdir(parents=True)
    with start(drawings, tmp_path / "weights", *SHORT) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert "weights is there and no bundle. Name a folder of its own" in " ".join(errors.split())
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
    drawings: Path, tmp_path: Path, options: list[str], sentence: str
) -> None:
    with start(drawings, tmp_path / "drawn", *options) as process:
        _, errors = process.communicate()
    assert process.returncode != 0
    assert sentence in " ".join(errors.split())
    assert "Traceback" not in errors
