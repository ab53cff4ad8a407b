"""Labelled photos in a folder tree: train/<slug>/*.jpg, val/<slug>/*.jpg, taxonomy.csv."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from app.errors import AppError, DataError
from app.recognition.photos import SUFFIXES, open_photo
from app.recognition.taxonomy import Taxonomy

CALIBRATION_SHARE = 0.05


@dataclass(frozen=True)
class Sample:
    """One labelled photo; `label` is the class index in the taxonomy."""

    path: Path
    label: int


def read_samples(data: Path, split: str, taxonomy: Taxonomy) -> list[Sample]:
    """List the photos of a split in a fixed order.

    Raises DataError for a missing split, a folder that is no category, or a category without photos.
    """
    root = data / split
    if not root.is_dir():
        raise DataError(f"{root} is not a folder.")
    class_of = taxonomy.class_of
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    if unknown := [folder.name for folder in folders if folder.name not in class_of]:
        raise DataError(f"{root} has folders that taxonomy.csv does not name: {', '.join(unknown[:5])}.")
    samples = [
        Sample(path, class_of[folder.name])
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES
    ]
    if empty := set(class_of.values()) - {sample.label for sample in samples}:
        slugs = sorted(taxonomy.categories[label].slug for label in empty)
        raise DataError(f"{root} has no photo for: {', '.join(slugs[:5])}.")
    return samples


def read_photo(path: Path) -> Image.Image:
    """Open a training photo. Raises DataError, naming the file, when it cannot be read."""
    try:
        return open_photo(path.read_bytes())
    except (AppError, OSError) as error:
        raise DataError(f"{path}: {error}") from error


def split_calibration(samples: list[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Part samples into (train, calibration) by a hash of the file name: the same photos in every run."""
    held_out = [sample for sample in samples if _hash_share(sample.path) < CALIBRATION_SHARE]
    trained = [sample for sample in samples if _hash_share(sample.path) >= CALIBRATION_SHARE]
    return trained, held_out


def _hash_share(path: Path) -> float:
    digest = hashlib.sha256(f"{path.parent.name}/{path.name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
