"""Labelled photos, wherever they lie: an index of arrays, and the files behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.errors import AppError, DataError
from app.recognition.photos import SUFFIXES, open_photo
from app.recognition.taxonomy import Taxonomy

CALIBRATION_SHARE = 0.05


class Files(Protocol):
    """Where the bytes of numbered photos come from; safe for threads."""

    def name(self, number: int) -> str:
        """Return what a person would look for to find photo `number`."""

    def read(self, number: int) -> bytes:
        """Return the bytes of photo `number`. Raises OSError."""


@dataclass(frozen=True, eq=False)
class PhotoSet:
    """Labelled photos; row i of every array [n] tells of photo i.

    `labels` are class indices in the taxonomy, `products` numbers that photos of one product share,
    `sources` numbers of the data set a photo came from, `numbers` its place in `files`.
    """

    files: Files
    numbers: NDArray[np.int64]
    labels: NDArray[np.int64]
    products: NDArray[np.int64]
    sources: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def subset(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> PhotoSet:
        """Return the photos of these rows, in this order."""
        return PhotoSet(
            self.files, self.numbers[rows], self.labels[rows], self.products[rows], self.sources[rows]
        )

    def name(self, row: int) -> str:
        """Return what a person would look for to find the photo."""
        return self.files.name(int(self.numbers[row]))

    def read(self, row: int) -> bytes:
        """Return the photo's bytes. Raises OSError."""
        return self.files.read(int(self.numbers[row]))

    def readers(self) -> Iterator[Callable[[], bytes]]:
        """Yield for each photo in order a function that reads its bytes."""
        return (partial(self.read, row) for row in range(len(self)))

    def open(self, row: int) -> Image.Image:
        """Open a photo. Raises DataError, naming it, when it cannot be read."""
        try:
            return open_photo(self.read(row))
        except (AppError, OSError) as error:
            raise DataError(f"{self.name(row)}: {error}") from error


@dataclass(frozen=True)
class FolderFiles:
    """Photos that are files of their own."""

    paths: Sequence[Path]

    def name(self, number: int) -> str:
        """Return the path."""
        return str(self.paths[number])

    def read(self, number: int) -> bytes:
        """Return the bytes of the file. Raises OSError."""
        return self.paths[number].read_bytes()


def read_folder(data: Path, split: str, taxonomy: Taxonomy) -> PhotoSet:
    """List the photos `data/split/<slug>/*.jpg` in a fixed order, each a product of its own.

    A photo's source is what stands before the last "-" in its file name.
    Raises DataError for a missing split, a folder that is no category, or a category without photos.
    """
    root = data / split
    if not root.is_dir():
        raise DataError(f"{root} is not a folder.")
    class_of = taxonomy.class_of
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    if unknown := [folder.name for folder in folders if folder.name not in class_of]:
        raise DataError(f"{root} has folders that taxonomy.csv does not name: {', '.join(unknown[:5])}.")
    paths = [
        path for folder in folders for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES
    ]
    labels = [class_of[path.parent.name] for path in paths]
    if empty := set(class_of.values()) - set(labels):
        slugs = sorted(taxonomy.categories[label].slug for label in empty)
        raise DataError(f"{root} has no photo for: {', '.join(slugs[:5])}.")
    sources = [source_of(path) for path in paths]
    return PhotoSet(
        FolderFiles(paths),
        np.arange(len(paths)),
        np.array(labels),
        np.array([_number_of(path) for path in paths]),
        np.unique(sources, return_inverse=True)[1],
    )


def source_of(path: Path) -> str:
    """Return the data set that a photo's file name begins with: "balls" of balls-0012.jpg."""
    return path.stem.rpartition("-")[0]


def split_calibration(photos: PhotoSet) -> tuple[PhotoSet, PhotoSet]:
    """Part photos into (train, calibration) by a hash of the product: the same photos in every run.

    All photos of a product fall on one side.
    """
    mixed = photos.products.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # Knuth's multiplicative hash
    held_out = (mixed >> np.uint64(32)) < np.uint64(CALIBRATION_SHARE * 2**32)
    return photos.subset(~held_out), photos.subset(held_out)


def _number_of(path: Path) -> int:
    digest = sha256(f"{path.parent.name}/{path.name}".encode()).digest()
    return int.from_bytes(digest[:7], "big")
