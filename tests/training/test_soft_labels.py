"""Soft labels from networks that never saw the photo."""

from pathlib import Path

import numpy as np
import openvino
import pytest
from flask.testing import FlaskCliRunner
from openvino import opset13 as ops

from app.data.dataset import read_folder
from app.errors import TrainingError
from app.recognition.preprocess import Preprocessing
from app.recognition.taxonomy import read_taxonomy
from app.training.soft_labels import FrozenNetwork, cross_fit, read_soft_labels, write_soft_labels


@pytest.fixture(autouse=True)
def two_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train two heads instead of five, each of which takes seconds."""
    monkeypatch.setattr("app.training.soft_labels.FOLDS", 2)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """An OpenVINO file that gives 16 x 16 px in 3 colours as 768 features."""
    photos = ops.parameter([-1, 16, 16, 3], np.float32)
    features = ops.reshape(photos, ops.constant(np.array([0, -1])), special_zero=True)
    path = tmp_path / "pixels.xml"
    openvino.save_model(openvino.Model([features], [photos], "pixels"), path)
    return path


def pixels(network: Path) -> FrozenNetwork:
    return FrozenNetwork(network, Preprocessing(16, 1.0, 0.0))


def test_heads_learn_what_the_features_tell() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    features = np.eye(3, 8, dtype=np.float32)[labels] * 4 + random.normal(0, 1, (300, 8)).astype(np.float32)
    answers = cross_fit(features, labels, np.ones(300, bool))
    np.testing.assert_allclose(answers.sum(axis=1), 1)
    assert (answers.argmax(axis=1) == labels).mean() > 0.9


def test_no_photo_is_answered_by_a_head_that_knows_its_label() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)  # nothing in the features tells them: only learning by heart would
    features = random.normal(0, 1, (300, 600)).astype(np.float32)
    answers = cross_fit(features, labels, np.ones(300, bool))
    assert (answers.argmax(axis=1) == labels).mean() < 0.5


def test_photos_that_are_held_out_teach_nothing() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    features = np.eye(3, 8, dtype=np.float32)[labels] + random.normal(0, 1, (300, 8)).astype(np.float32)
    learnt = np.arange(300) < 250
    misled = np.where(learnt, labels, (labels + 1) % 3)
    taught, same = cross_fit(features, labels, learnt), cross_fit(features, misled, learnt)
    np.testing.assert_array_equal(taught.argsort(axis=1), same.argsort(axis=1))


def test_the_command_writes_what_training_reads(
    runner: FlaskCliRunner, drawings: Path, network: Path, tmp_path: Path
) -> None:
    out = tmp_path / "soft.npz"
    result = runner.invoke(
        args=["soften", "--data", str(drawings), "--network", f"{network}:16:1:0", "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    taxonomy = read_taxonomy(drawings / "taxonomy.csv")
    photos = read_folder(drawings, "train", taxonomy)
    answers = read_soft_labels(out, photos, taxonomy)
    np.testing.assert_allclose(answers.astype(np.float32).sum(axis=1), 1, atol=0.01)


def test_soft_labels_of_other_photos_are_refused(drawings: Path, network: Path, tmp_path: Path) -> None:
    taxonomy = read_taxonomy(drawings / "taxonomy.csv")
    photos = read_folder(drawings, "train", taxonomy)
    path = tmp_path / "soft labels"
    write_soft_labels(path, photos, photos.subset(slice(0)), taxonomy, [pixels(network)])
    assert read_soft_labels(path, photos, taxonomy).shape == (24, 3)
    with pytest.raises(TrainingError, match="made for other photos"):
        read_soft_labels(path, photos.subset(np.roll(np.arange(24), 1)), taxonomy)


@pytest.mark.parametrize("content", [b"", b"torn", b"PK\x03\x04 torn"])
def test_what_are_no_soft_labels_is_refused(drawings: Path, tmp_path: Path, content: bytes) -> None:
    taxonomy = read_taxonomy(drawings / "taxonomy.csv")
    path = tmp_path / "soft.npz"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="holds no soft labels"):
        read_soft_labels(path, read_folder(drawings, "train", taxonomy), taxonomy)


def test_a_folder_that_is_missing_is_named_before_the_work(
    runner: FlaskCliRunner, drawings: Path, network: Path, tmp_path: Path
) -> None:
    arguments = ["--network", f"{network}:16:1:0", "--out", str(tmp_path / "nowhere" / "soft.npz")]
    result = runner.invoke(args=["soften", "--data", str(drawings), *arguments])
    assert result.exit_code == 1
    assert "nowhere is not a folder" in " ".join(result.output.split())


def test_a_file_that_is_not_a_network_is_refused_with_a_sentence(
    runner: FlaskCliRunner, drawings: Path, tmp_path: Path
) -> None:
    (tmp_path / "no.xml").write_text("no network")
    arguments = ["--network", f"{tmp_path / 'no.xml'}:16:1:0", "--out", str(tmp_path / "soft.npz")]
    result = runner.invoke(args=["soften", "--data", str(drawings), *arguments])
    assert result.exit_code == 1
    assert "no network that OpenVINO can run" in result.output
