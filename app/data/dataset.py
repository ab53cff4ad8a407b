"""Labelled photos in a folder tree or a BSON file: an index of arrays, and the files behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.data.bson import BsonFiles, Index, open_index
from app.data.cdiscount import NO_CLASS, hash_products, is_val, label_products
from app.data.copies import has_copy
from app.errors import DataError
from app.recognition.folders import is_hidden, join, photo_files
from app.recognition.photos import PHOTO_FAULTS, open_photo
from app.recognition.taxonomy import Taxonomy, read_leaves, read_taxonomy
from app.texts import printable

log = logging.getLogger(__name__)

CALIBRATION_SHARE = 0.05
FEWEST_TAUGHT = 10  # fewer do not teach a category
CALIBRATION_PHOTOS = 10_000  # more do not make the temperature more precise
MOST_SOURCES = 100  # more names are not data sets, but a camera's file names
PASSED_OVER = 100  # damaged photos in a row; so many are not an accident


class Files(Protocol):
    """Reads the bytes of numbered photos; safe for threads."""

    def name(self, number: int) -> str:
        """Return a name by which a person can find photo `number`."""

    def source(self, number: int) -> str:
        """Return the data set of photo `number`, "" if its name does not say."""

    def read(self, number: int) -> bytes:
        """Return the bytes of photo `number`. Raises DataError."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PhotoSet:
    """Labelled photos; row i of every array [n] is photo i.

    `labels` are class indices in the taxonomy, `products` numbers that photos of one product share,
    `sources` numbers of the data sets that photos came from, `numbers` their numbers in `files`.
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
            files=self.files,
            numbers=self.numbers[rows],
            labels=self.labels[rows],
            products=self.products[rows],
            sources=self.sources[rows],
        )

    def digest(self) -> str:
        """Return a digest of these photos, their order and their labels."""
        digest = sha256()
        for array in (self.numbers, self.labels, self.products):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def name(self, row: int) -> str:
        """Return a name by which a person can find the photo."""
        return self.files.name(int(self.numbers[row]))

    def source_names(self) -> dict[str, int]:
        """Return the known data sets of the photos, and their numbers in `sources`."""
        numbers, rows = np.unique(self.sources, return_index=True)
        if len(numbers) > MOST_SOURCES:
            return {}
        named = zip(map(self.files.source, self.numbers[rows].tolist()), numbers.tolist(), strict=True)
        return {name: number for name, number in named if name}

    def read(self, row: int) -> bytes:
        """Return the photo's bytes. Raises DataError."""
        return self.files.read(int(self.numbers[row]))

    def readers(self) -> Iterator[Callable[[], bytes]]:
        """Yield a function that reads its bytes for each photo, in order."""
        return (partial(self.read, row) for row in range(len(self)))

    def open(self, row: int) -> Image.Image:
        """Open a photo. Raises DataError, naming it, if it cannot be read."""
        try:
            return open_photo(self.read(row))
        except PHOTO_FAULTS as error:
            raise DataError(f"{self.name(row)}: {error}") from error

    def open_near(self, row: int) -> tuple[int, Image.Image]:
        """Open a photo, or the next readable one; return its row too.

        One damaged photo among millions must not end days of training; a lost disk must.
        Logs the photos passed over; raises DataError if `PASSED_OVER` in a row cannot be read.
        """
        rows = [near % len(self) for near in range(row, row + min(PASSED_OVER, len(self)))]
        for near in rows:
            try:
                return near, self.open(near)
            except DataError as error:
                log.warning("%s Took the next photo instead.", printable(str(error)))
        raise DataError(f"{len(rows)} photos in a row cannot be read, the last is {self.name(rows[-1])}.")


@dataclass(frozen=True)
class FolderFiles:
    """The `Files` of a folder tree."""

    paths: Sequence[Path]

    def name(self, number: int) -> str:
        return str(self.paths[number])

    def source(self, number: int) -> str:
        return source_of(self.paths[number])

    def read(self, number: int) -> bytes:
        try:
            return self.paths[number].read_bytes()
        except OSError as error:
            raise DataError(f"{self.paths[number]} cannot be read: {error.strerror}.") from error


def read_photos(data: Path, split: str, taxonomy: Taxonomy, categories: Path | None = None) -> PhotoSet:
    """Read the photos of a split, from a folder tree or from a BSON file.

    `categories` is the path of Kaggle's category_names.csv if it is not beside the BSON file.
    Raises DataError as `read_folder` and `read_bson` do.
    """
    if data.is_dir():
        return read_folder(data, split, taxonomy)
    return read_bson(data, split, taxonomy, find_category_names(data, categories))


def has_val(data: Path) -> bool:
    """Tell whether there are validation photos; a BSON file always has some."""
    return data.is_file() or (data / "val").is_dir()


def find_category_names(data: Path, categories: Path | None) -> Path:
    """Return `categories`, or the list's place in Kaggle's download: beside the BSON file."""
    return categories or data.with_name("category_names.csv")


def read_bson(data: Path, split: str, taxonomy: Taxonomy, category_names: Path) -> PhotoSet:
    """List the photos in the classes of `taxonomy`: "val" of the products held out, "train" of the others.

    Raises DataError for another split, an unreadable file, or if no photo is in these classes.
    """
    if split not in {"train", "val"}:
        raise DataError(f"{data} has the splits train and val, not {split}.")
    index = open_index(data)
    labels = label_products(index, taxonomy, read_leaves(category_names))
    chosen = (labels != NO_CLASS) & (is_val(index.products["id"]) == (split == "val"))
    product = np.repeat(np.arange(len(chosen)), index.products["pictures"])
    numbers = np.flatnonzero(chosen[product])
    if not len(numbers):
        raise DataError(f"{data} has no picture for {split} in these categories.")
    product = product[numbers]
    return PhotoSet(
        files=BsonFiles(data, index),
        numbers=numbers,
        labels=labels[product],
        products=index.products["id"][product],
        sources=np.zeros(len(numbers), np.int64),
    )


def read_folder(data: Path, split: str, taxonomy: Taxonomy) -> PhotoSet:
    """List the photos `data/split/<slug>/*.jpg` in a fixed order, each a product of its own.

    A photo's source is the part of its file name before the last "-".
    Raises DataError for a missing split, a folder that is not a category, or if there is no photo.
    """
    return _label(_folders(data / split), taxonomy, data / split)


def read_measured(
    data: Path, split: str, taxonomy: Taxonomy, categories: Path | None = None
) -> tuple[PhotoSet, list[Path]]:
    """List the photos of a split, or of several with commas between, and the paths of those apart.

    Apart are photos of categories that `data/taxonomy.csv` names and `taxonomy` does not; a BSON file has
    none. Photos of two splits may have the same name and are two products. Otherwise as `read_photos`.
    """
    if data.is_file():
        return read_photos(data, split, taxonomy, categories), []
    folders = [folder for name in split.split(",") for folder in _folders(data / name)]
    named = read_taxonomy(path).class_of if (path := data / "taxonomy.csv").exists() else {}
    unknown = [folder for folder in folders if folder.name in named.keys() - taxonomy.class_of.keys()]
    known = [folder for folder in folders if folder not in unknown]
    photos = _label(known, taxonomy, data / split)
    return replace(photos, products=photos.numbers), _photos_in(unknown)


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        raise DataError(f"{root} is not a folder.")
    return sorted(path for path in root.iterdir() if path.is_dir() and not is_hidden(path.name))


def _photos_in(folders: Sequence[Path]) -> list[Path]:
    """List the photos in folders, and log what else they hold."""
    listing = join(photo_files(folder) for folder in folders)
    if remark := listing.remark():
        log.warning("%s: %s", folders[0].parent, printable(remark))
    return listing.photos


def _label(folders: Sequence[Path], taxonomy: Taxonomy, root: Path) -> PhotoSet:
    """List the photos in folders that are named after categories; `root` names them in faults."""
    class_of = taxonomy.class_of
    if unknown := [folder.name for folder in folders if folder.name not in class_of]:
        raise DataError(f"{root} has folders that taxonomy.csv does not name: {', '.join(unknown[:5])}.")
    paths = _photos_in(folders)
    if not paths:
        raise DataError(f"{root} has no photo.")
    return PhotoSet(
        files=FolderFiles(paths),
        numbers=np.arange(len(paths)),
        labels=np.array([class_of[path.parent.name] for path in paths]),
        products=np.array([_number_of(path) for path in paths]),
        sources=np.unique([source_of(path) for path in paths], return_inverse=True)[1],
    )


def check_complete(photos: PhotoSet, taxonomy: Taxonomy) -> None:
    """Make sure that every category can be learned. Raises DataError if one has no photo, or a single one."""
    counts = np.bincount(photos.labels, minlength=len(taxonomy))
    _refuse("There is no photo to train on", np.flatnonzero(counts == 0), taxonomy)
    _refuse("There is a single photo, too few to train on,", np.flatnonzero(counts == 1), taxonomy)


def check_readable(trained: PhotoSet, taxonomy: Taxonomy) -> None:
    """Make sure that training sees a photo of every category: one that can be read and is not held out.

    Opens the photos of a category until it can read one. Raises DataError if none of `PASSED_OVER` can be.
    """
    rows = np.argsort(trained.labels, kind="stable")
    ends = np.cumsum(np.bincount(trained.labels, minlength=len(taxonomy)))
    groups = np.split(rows, ends[:-1])
    without = [label for label, group in enumerate(groups) if not _has_readable(trained, group)]
    _refuse("No photo that is not held out can be read", np.array(without, np.int64), taxonomy)


def _has_readable(photos: PhotoSet, rows: NDArray[np.int64]) -> bool:
    for row in rows[:PASSED_OVER].tolist():
        with suppress(DataError):
            photos.open(row)
            return True
    return False


def _refuse(fault: str, labels: NDArray[np.int64], taxonomy: Taxonomy) -> None:
    """Raise DataError if there are categories with a fault."""
    if len(labels):
        named = ", ".join(sorted(taxonomy.categories[label].slug for label in labels)[:5])
        raise DataError(f"{fault} for {len(labels)} of {len(taxonomy)} categories, such as {named}.")


def source_of(path: Path) -> str:
    """Return the data set that a photo's file name begins with: "balls" of balls-0012.jpg."""
    return path.stem.rpartition("-")[0]


def split_calibration(photos: PhotoSet, hold_out: Sequence[str] = ()) -> tuple[PhotoSet, PhotoSet]:
    """Split photos into (train, calibration), the same in every run; a product is on one side.

    Calibration gets the photos of the sources `hold_out`, except in categories of which the other sources
    have fewer than `FEWEST_TAUGHT`. Without such sources, a hash of the product chooses a twentieth, or about
    `CALIBRATION_PHOTOS` if that is less. Raises DataError for an unknown source.
    """
    if hold_out:
        named = photos.source_names()
        if unknown := sorted(set(hold_out) - set(named)):
            raise DataError(f"No photo to train on is of the source {unknown[0]}.")
        held_out = np.isin(photos.sources, [named[name] for name in hold_out])
        taught = np.bincount(photos.labels[~held_out], minlength=photos.labels.max() + 1)
        held_out &= taught[photos.labels] >= FEWEST_TAUGHT
    else:
        share = min(CALIBRATION_SHARE, CALIBRATION_PHOTOS / len(photos))
        held_out = hash_products(photos.products) < share
    return photos.subset(~held_out), photos.subset(held_out)


def drop_copies(held_out: PhotoSet, trained: PhotoSet, index: Index) -> PhotoSet:
    """Leave out the photos of a BSON file of which training sees an exact copy in another product."""
    digests = index.pictures["md5"]
    return held_out.subset(~has_copy(digests[held_out.numbers], digests[trained.numbers]))


def sample(photos: PhotoSet, per_category: int, seed: int) -> PhotoSet:
    """Sample this many photos of each category at random; all of a category that has fewer."""
    shuffled = np.random.default_rng(seed).permutation(len(photos))
    by_label = shuffled[np.argsort(photos.labels[shuffled], kind="stable")]
    counts = np.bincount(photos.labels)
    rank = np.arange(len(photos)) - np.repeat(np.cumsum(counts) - counts, counts)
    return photos.subset(np.sort(by_label[rank < per_category]))


def _number_of(path: Path) -> int:
    digest = sha256(f"{path.parent.name}/{path.name}".encode()).digest()
    return int.from_bytes(digest[:7], "big")
