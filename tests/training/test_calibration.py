"""Temperature, thresholds and the calibration error."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import photo_set, small_bundle
from numpy.typing import NDArray

from app.data.dataset import FolderFiles, PhotoSet
from app.errors import DataError
from app.recognition.bundle import MANIFEST, NEVER, Bundle, Thresholds, load_bundle
from app.recognition.prediction import Prediction, Verdict, calibrate, predict
from app.recognition.taxonomy import Category, Taxonomy
from app.settings import DEFAULT_MODEL, ROOT
from app.training.calibration import (
    calibrate_bundle,
    fit_temperature,
    fit_thresholds,
)


def test_the_temperature_undoes_overconfidence() -> None:
    random = np.random.default_rng(3)
    honest = random.normal(size=(4000, 5)).astype(np.float32) * 2
    labels = np.array([random.choice(5, p=row) for row in calibrate(honest, 1.0)])
    assert fit_temperature(honest * 3, labels) == pytest.approx(3, rel=0.1)


CATEGORIES = tuple(
    Category(number, f"slug-{number}", f"A{number // 4}", f"B{number // 2}", f"C{number}", "x", "x")
    for number in range(8)
)
Answers = tuple[NDArray[np.float32], NDArray[np.int64]]


def bundle(thresholds: Thresholds) -> Bundle:
    return replace(small_bundle(), taxonomy=Taxonomy(CATEGORIES), thresholds=thresholds)


def honest_answers(number: int, seed: int) -> Answers:
    """Draw logits, some of them clear, and labels that are as probable as they say."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(number, 8)).astype(np.float32) * random.uniform(0.5, 10, (number, 1))
    labels = np.array([random.choice(8, p=row) for row in calibrate(logits, 1.0)])
    return logits.astype(np.float32), labels


def answer(logits: NDArray[np.float32], thresholds: Thresholds) -> list[Prediction]:
    return [predict(row, bundle(thresholds)) for row in logits]


def fit(answers: Answers) -> Thresholds:
    logits, labels = answers
    return fit_thresholds(answer(logits, Thresholds()), [CATEGORIES[label] for label in labels])


@pytest.fixture(scope="module")
def fitted() -> Thresholds:
    return fit(honest_answers(900, seed=1))


def test_of_the_answers_called_sure_95_percent_are_right_on_other_photos(fitted: Thresholds) -> None:
    logits, labels = honest_answers(3000, seed=2)
    answers = answer(logits, fitted)
    sure = np.array([one.verdict is Verdict.SURE for one in answers])
    right = np.array(
        [one.guesses[0].category == CATEGORIES[k] for one, k in zip(answers, labels, strict=True)]
    )
    assert right[sure].mean() >= 0.95
    assert sure.mean() >= 0.3
    assert right.mean() < 0.9


def test_the_deepest_trusted_node_is_right_for_95_percent_of_other_photos(fitted: Thresholds) -> None:
    logits, labels = honest_answers(3000, seed=3)
    right = []
    for one, label in zip(answer(logits, fitted), labels, strict=True):
        trusted = sum(node.trusted for node in one.roll_up)
        right.append(one.guesses[0].category.path[:trusted] == CATEGORIES[label].path[:trusted])
    assert 0.93 <= np.mean(right) <= 0.98


def test_at_most_one_photo_in_twenty_is_said_to_be_of_none_of_its_categories(fitted: Thresholds) -> None:
    logits, _ = honest_answers(3000, seed=4)
    refused = [one.verdict is Verdict.NO_CATEGORY for one in answer(logits, fitted)]
    assert 0.02 <= np.mean(refused) <= 0.05


def test_a_network_that_is_always_wrong_is_never_sure() -> None:
    logits, _ = honest_answers(100, seed=5)
    assert fit((logits, (logits.argmax(axis=1) + 4) % 8)).sure == NEVER


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_equal_confidences_are_all_sure_or_none(order: slice) -> None:
    logits = np.tile(np.array([20.0] + [0.0] * 7, np.float32), (100, 1))
    labels = np.repeat([0, 4], [60, 40])[order]  # the same answer a hundred times, 60 times right
    assert fit((logits, labels)).sure == NEVER


def test_a_handful_of_photos_is_too_few_for_a_promise() -> None:
    logits, _ = honest_answers(10, seed=6)
    thresholds = fit((logits, logits.argmax(axis=1)))
    assert (thresholds.sure, thresholds.path) == (NEVER, NEVER)
    assert thresholds.known == min(one.known_score for one in answer(logits, Thresholds()))


@pytest.mark.parametrize(("labels", "temperature"), [([0, 0], 0.1), ([1, 1], 10.0)])
def test_a_network_always_right_or_always_wrong_gets_a_temperature_at_the_bound(
    labels: list[int], temperature: float
) -> None:
    logits = np.array([[0.1, 0.0], [0.1, 0.0]], np.float32)
    assert fit_temperature(logits, np.array(labels)) == temperature


def test_a_bundle_is_calibrated_again_on_other_photos(tmp_path: Path, coffee: bytes) -> None:
    folder = shutil.copytree(ROOT / "weights" / DEFAULT_MODEL, tmp_path / "copy")
    before = json.loads((folder / MANIFEST).read_text())
    (tmp_path / "coffee.jpg").write_bytes(coffee)
    zeros = np.zeros(1, np.int64)
    calibrate_bundle(folder, photo_set(FolderFiles([tmp_path / "coffee.jpg"]), zeros))
    bundle = load_bundle(folder)
    assert bundle.thresholds.sure == NEVER
    changed = {name for name, value in bundle.manifest.items() if value != before.get(name)}
    assert changed == {"temperature", "thresholds", "calibrated_on"}
    assert bundle.manifest["calibrated_on"] == 1


def test_of_a_few_photos_too_many_all_but_these_are_used(
    tmp_path: Path, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(ROOT / "weights" / DEFAULT_MODEL, tmp_path / "copy")
    (tmp_path / "coffee.jpg").write_bytes(coffee)
    opened: list[int] = []

    class Counted(FolderFiles):
        def read(self, number: int) -> bytes:
            opened.append(number)
            return super().read(number)

    monkeypatch.setattr("app.training.calibration.MOST_PHOTOS", 4)
    rows, zeros = np.arange(5), np.zeros(5, np.int64)
    calibrate_bundle(
        folder,
        PhotoSet(
            files=Counted([tmp_path / "coffee.jpg"] * 5),
            numbers=rows,
            labels=zeros,
            products=rows,
            sources=zeros,
        ),
    )
    assert len(set(opened)) == 4


def test_without_a_photo_there_is_a_sentence_instead_of_a_calibration(tmp_path: Path) -> None:
    none = np.zeros(0, np.int64)
    with pytest.raises(DataError, match="no photo to calibrate with"):
        calibrate_bundle(tmp_path, photo_set(FolderFiles([]), none))
