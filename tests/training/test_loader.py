"""Batches for training."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.data.dataset import read_folder
from app.recognition.network import ARCHITECTURES
from app.recognition.preprocess import Preprocessing
from app.recognition.taxonomy import read_taxonomy
from app.training.loader import AS_THEY_COME, Array, Loader
from app.training.teacher import Teacher


@pytest.fixture
def loader(drawings: Path) -> Loader:
    photos = read_folder(drawings, "train", read_taxonomy(drawings / "taxonomy.csv"))
    return Loader(photos, 3, ARCHITECTURES["inception_v3"].preprocessing(75), batch_size=8, seed=1)


def test_a_batch_holds_photos_in_the_networks_range_and_soft_labels(loader: Loader) -> None:
    inputs, targets = loader.batch(0)
    assert inputs.shape == (8, 75, 75, 3)
    assert inputs.dtype == np.float32
    assert inputs.min() >= -1
    assert inputs.max() <= 1
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    assert targets.min() > 0


def test_a_batch_depends_on_its_step_and_the_seed_alone(loader: Loader) -> None:
    in_order = list(loader.batches(0, 5))
    resumed = list(loader.batches(3, 5))
    for expected, got in zip(in_order[3:], resumed, strict=True):
        np.testing.assert_array_equal(expected[0], got[0])
        np.testing.assert_array_equal(expected[1], got[1])


def test_another_seed_gives_other_batches(loader: Loader) -> None:
    other = Loader(loader.photos, 3, loader.preprocessing, 8, seed=2)
    assert not np.array_equal(loader.batch(0)[0], other.batch(0)[0])


def test_equal_categories_and_sources_are_shown_equally_often(loader: Loader) -> None:
    assert sorted(loader._order(0)) == list(range(24))


def test_rare_categories_and_rare_sources_are_shown_more_often_than_they_come(loader: Loader) -> None:
    labels = np.array([0] * 400 + [1] * 100)
    sources = np.array([0] * 360 + [1] * 40 + [0] * 100)
    rows = np.zeros(500, np.int64)
    uneven = replace(loader.photos.subset(rows), labels=labels, sources=sources)
    shown = Loader(uneven, 3, loader.preprocessing, 500, seed=1)._order(0)
    by_category = np.bincount(labels[shown]) / 500
    np.testing.assert_allclose(by_category, [2 / 3, 1 / 3], atol=0.01)
    by_source = np.bincount(sources[shown[labels[shown] == 0]])
    np.testing.assert_allclose(by_source / by_source.sum(), [3 / 4, 1 / 4], atol=0.01)


def test_as_they_come_every_photo_is_shown_once_an_epoch(loader: Loader) -> None:
    labels = np.array([0] * 400 + [1] * 100)
    uneven = replace(loader.photos.subset(np.zeros(500, np.int64)), labels=labels)
    shown = Loader(uneven, 3, loader.preprocessing, 500, seed=1, exponent=AS_THEY_COME)._order(0)
    assert sorted(shown) == list(range(500))


def test_the_order_of_an_epoch_is_drawn_once_for_all_threads(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampled: list[int] = []
    sample = Loader._sample_epoch

    def count(self: Loader, epoch: int) -> NDArray[np.int64]:
        sampled.append(epoch)
        return sample(self, epoch)

    monkeypatch.setattr(Loader, "_sample_epoch", count)
    list(loader.batches(0, 2 * loader.steps_per_epoch))
    assert sampled == [0, 1]


def test_a_teachers_answer_weighs_as_much_as_the_labels(loader: Loader) -> None:
    class Certain(Teacher):
        def __init__(self) -> None: ...

        def answer(self, inputs: Callable[[Preprocessing], Array]) -> Array:
            return np.eye(3, dtype=np.float32)[[2] * len(inputs(Preprocessing(32, 1, 0)))]

    inputs, labelled = loader.batch(0)
    same, taught = replace(loader, teacher=Certain()).batch(0)
    np.testing.assert_array_equal(inputs, same)
    np.testing.assert_allclose(taught, (labelled + np.array([0, 0, 1])) / 2, rtol=1e-6)


def test_soft_labels_are_those_of_the_photos_of_the_batch(loader: Loader) -> None:
    soft = np.roll(np.eye(3), 1, axis=1)[loader.photos.labels].astype(np.float16)
    _, labelled = loader.batch(0)
    _, taught = replace(loader, soft_labels=soft).batch(0)
    others = (labelled - 0.1 / 3) / 0.9  # the mixed labels before smoothing
    np.testing.assert_allclose(taught, (labelled + np.roll(others, 1, axis=1)) / 2, atol=1e-6)


def test_the_same_photo_looks_different_in_the_next_epoch(drawings: Path) -> None:
    photos = read_folder(drawings, "train", read_taxonomy(drawings / "taxonomy.csv")).subset(slice(1))
    loader = Loader(photos, 3, ARCHITECTURES["inception_v3"].preprocessing(75), batch_size=1, seed=1)
    assert not np.array_equal(loader.batch(0)[0], loader.batch(1)[0])
