"""Batches for training."""

from pathlib import Path

import numpy as np
import pytest

from app.recognition.network import ARCHITECTURES
from app.recognition.taxonomy import read_taxonomy
from app.training.dataset import read_samples
from app.training.loader import Loader


@pytest.fixture
def loader(drawings: Path) -> Loader:
    samples = read_samples(drawings, "train", read_taxonomy(drawings / "taxonomy.csv"))
    return Loader(samples, 3, ARCHITECTURES["inception_v3"].preprocessing(75), batch_size=8, seed=1)


def test_a_batch_holds_photos_in_the_networks_range_and_one_hot_labels(loader: Loader) -> None:
    inputs, targets = loader.batch(0)
    assert inputs.shape == (8, 75, 75, 3)
    assert inputs.dtype == np.float32
    assert inputs.min() >= -1
    assert inputs.max() <= 1
    assert (targets.sum(axis=1) == 1).all()


def test_a_batch_depends_on_its_step_and_the_seed_alone(loader: Loader) -> None:
    in_order = list(loader.batches(0, 5))
    resumed = list(loader.batches(3, 5))
    for expected, got in zip(in_order[3:], resumed, strict=True):
        np.testing.assert_array_equal(expected[0], got[0])
        np.testing.assert_array_equal(expected[1], got[1])


def test_another_seed_gives_other_batches(loader: Loader) -> None:
    other = Loader(loader.samples, 3, loader.preprocessing, 8, seed=2)
    assert not np.array_equal(loader.batch(0)[0], other.batch(0)[0])


def test_an_epoch_shows_every_photo_once(loader: Loader) -> None:
    targets = np.concatenate([loader.batch(step)[1] for step in range(loader.steps_per_epoch)])
    np.testing.assert_array_equal(targets.sum(axis=0), [8, 8, 8])


def test_the_same_photo_looks_different_in_the_next_epoch(drawings: Path) -> None:
    samples = read_samples(drawings, "train", read_taxonomy(drawings / "taxonomy.csv"))[:1]
    loader = Loader(samples, 3, ARCHITECTURES["inception_v3"].preprocessing(75), batch_size=1, seed=1)
    assert not np.array_equal(loader.batch(0)[0], loader.batch(1)[0])
