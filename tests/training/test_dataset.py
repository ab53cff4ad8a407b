"""Reading labelled photos from a folder tree."""

import shutil
from pathlib import Path

import pytest

from app.errors import DataError
from app.recognition.taxonomy import read_taxonomy
from app.training.dataset import read_samples, split_calibration


def test_samples_carry_the_class_index_of_their_folder(drawings: Path) -> None:
    taxonomy = read_taxonomy(drawings / "taxonomy.csv")
    samples = read_samples(drawings, "train", taxonomy)
    assert len(samples) == 24
    assert all(taxonomy.categories[sample.label].slug == sample.path.parent.name for sample in samples)


def test_a_folder_that_is_no_category_is_named(drawings: Path, tmp_path: Path) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    (data / "train" / "mystery").mkdir()
    with pytest.raises(DataError, match="mystery"):
        read_samples(data, "train", read_taxonomy(data / "taxonomy.csv"))


def test_a_category_without_photos_is_named(drawings: Path, tmp_path: Path) -> None:
    data = shutil.copytree(drawings, tmp_path / "data")
    shutil.rmtree(data / "train" / "disc")
    with pytest.raises(DataError, match="disc"):
        read_samples(data, "train", read_taxonomy(data / "taxonomy.csv"))


def test_a_missing_split_is_named(drawings: Path) -> None:
    with pytest.raises(DataError, match="exam is not a folder"):
        read_samples(drawings, "exam", read_taxonomy(drawings / "taxonomy.csv"))


@pytest.mark.shared
def test_the_calibration_photos_are_a_twentieth_and_never_trained_on(products: Path) -> None:
    samples = read_samples(products, "train", read_taxonomy(products / "taxonomy.csv"))
    trained, held_out = split_calibration(samples)
    assert not {sample.path for sample in trained} & {sample.path for sample in held_out}
    assert len(trained) + len(held_out) == len(samples)
    assert 0.04 < len(held_out) / len(samples) < 0.06
