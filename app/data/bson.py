"""BSON files of Kaggle's Cdiscount challenge: indexed in one pass, then every picture is one seek away.

A file is a sequence of documents {_id: int, category_id: int, imgs: [{picture: <JPEG>}, ...]}
(https://bsonspec.org); those of a test file have no category_id.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import struct
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from app.data.copies import Copies, find_copies
from app.errors import DataError

MAX_DOCUMENT = 16 * 1024 * 1024  # MongoDB's own limit
NO_CATEGORY = -1
BUFFER = 1024 * 1024
INT32 = struct.Struct("<i")
FORMAT = 2  # of the index; a new number makes old ones stale
DOCUMENTS_PER_REPORT = 1000
PRODUCTS, PICTURES, ABOUT = "products", "pictures", "about.json"

PRODUCT = np.dtype(
    [("offset", "<i8"), ("length", "<i4"), ("id", "<i8"), ("category", "<i8"), ("pictures", "<i4")]
)
PICTURE = np.dtype([("offset", "<i8"), ("length", "<i4"), ("md5", "<u8", 2)])
PACK_PRODUCT = struct.Struct("<qiqqi")
PACK_PICTURE = struct.Struct("<qi16s")

# The bytes of an element's value by its type; the other types have their length before the value.
FIXED_SIZES = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8}
SIZES_BESIDE_LENGTH = {0x02: 4, 0x03: 0, 0x04: 0, 0x05: 5}
ARRAY, BINARY = 0x04, 0x05
INTEGERS = {0x10: INT32, 0x12: struct.Struct("<q")}
START = re.compile(rb"(?s:....)[\x10\x12]_id\x00")
START_LENGTH = 9

Progress = Callable[[int, int], object]
"""Called now and then with the bytes done and the bytes in total."""


@dataclass(frozen=True)
class Document:
    """One product in the file: its offset, its numbers, and the offset and bytes of its pictures."""

    offset: int
    length: int
    product: int
    category: int
    pictures: list[tuple[int, bytes]]


@dataclass(frozen=True, eq=False)
class Index:
    """The contents of a BSON file as tables: `products` of dtype PRODUCT, `pictures` of dtype PICTURE.

    A product's pictures are adjacent in `pictures`. `skipped_places` and `skipped_bytes` count the damage
    that was left out; adjacent documents are one place.
    """

    products: NDArray[Any]
    pictures: NDArray[Any]
    copies: Copies
    skipped_places: int
    skipped_bytes: int

    def __str__(self) -> str:
        return (
            f"{len(self.products):,} products, {self.copies}; "
            f"damaged places skipped: {self.skipped_places:,} ({self.skipped_bytes:,} bytes)."
        )

    def to_json(self) -> dict[str, int]:
        """Return the counts that `str` names."""
        skipped = {"skipped_places": self.skipped_places, "skipped_bytes": self.skipped_bytes}
        return {"products": len(self.products), **asdict(self.copies), **skipped}

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """The number of the picture after the last one of each product [products]."""
        return np.cumsum(self.products["pictures"], dtype=np.int64)

    def picture(self, row: int, which: int) -> int:
        """Return the number of picture `which`, from 0, of the product in `row`."""
        return int(self.ends[row] - self.products["pictures"][row]) + which


class BsonFiles:
    """The `Files` of a BSON file: its pictures by their number in its index."""

    def __init__(self, path: Path, index: Index) -> None:
        self._path = path
        self._index = index
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def name(self, number: int) -> str:
        row = int(np.searchsorted(self._index.ends, number, side="right"))
        which = number - self._index.picture(row, 0) + 1
        return f"{self._path}, product {self._index.products['id'][row]}, picture {which}"

    def source(self, number: int) -> str:  # noqa: ARG002 - other files look at it
        return ""

    def read(self, number: int) -> bytes:
        offset, length, _ = self._index.pictures[number]
        try:
            data = os.pread(self._file, int(length), int(offset))
        except OSError as error:
            raise DataError(f"{self._path} cannot be read: {error.strerror}.") from error
        if len(data) < length:
            raise DataError(f"{self._path} has become shorter since it was opened.")
        return data


def open_index(path: Path, progress: Progress | None = None) -> Index:
    """Return the index of a BSON file, made on first use and kept beside it in `<name>.index`.

    A file whose size or modification time has changed is indexed again. Raises DataError if the file cannot
    be read or has no picture, or if its index cannot be written.
    """
    folder = path.with_name(f"{path.name}.index")
    try:
        if not _is_fresh(folder, path):
            _build(path, folder, progress or (lambda *_: None))
        about = json.loads((folder / ABOUT).read_text())
        products, pictures = _open_tables(folder)
        skipped = {name: about[name] for name in ("skipped_places", "skipped_bytes")}
        return Index(products, pictures, Copies(**about["copies"]), **skipped)
    except OSError as error:
        raise DataError(f"{path} cannot be indexed: {error}.") from error


def read_documents(file: BinaryIO, size: int) -> Iterator[Document | int]:
    """Yield the documents of a file of `size` bytes, and for damage the number of bytes skipped.

    After damage, reading continues at the next place that looks like the start of a document.
    """
    at = 0
    while at < size:
        try:
            file.seek(at)
            document = _parse(_read_document(file, size - at), at)
        except (ValueError, KeyError, struct.error):
            following = _find_start(file, at + 1, size)
            yield following - at
            at = following
        else:
            yield document
            at += document.length


def _build(path: Path, folder: Path, progress: Progress) -> None:
    """Index `path` into `folder`, which appears complete or not at all."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{folder.name}.") as temporary:
        unfinished = Path(temporary) / folder.name
        unfinished.mkdir()
        about = {"made_of": _identity(path), **_write_tables(path, unfinished, progress)}
        about |= {"tables": _sizes(unfinished), "copies": asdict(find_copies(*_open_tables(unfinished)))}
        (unfinished / ABOUT).write_text(json.dumps(about))
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)


def _write_tables(path: Path, folder: Path, progress: Progress) -> dict[str, int]:
    """Write a row for each product and picture; return the counts of what was skipped."""
    size = path.stat().st_size
    skipped: list[int] = []
    with (
        path.open("rb", BUFFER) as file,
        (folder / PRODUCTS).open("wb") as products,
        (folder / PICTURES).open("wb") as pictures,
    ):
        for count, document in enumerate(read_documents(file, size)):
            if count % DOCUMENTS_PER_REPORT == 0:
                progress(file.tell(), size)
            if isinstance(document, int):
                skipped.append(document)
                continue
            products.write(_pack(document))
            for offset, picture in document.pictures:
                digest = hashlib.md5(picture, usedforsecurity=False).digest()
                pictures.write(PACK_PICTURE.pack(offset, len(picture), digest))
        if not pictures.tell():
            raise DataError(f"{path} holds no product with a picture.")
    progress(size, size)
    return {"skipped_places": len(skipped), "skipped_bytes": sum(skipped)}


def _open_tables(folder: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.memmap(folder / PRODUCTS, PRODUCT, "r"), np.memmap(folder / PICTURES, PICTURE, "r")


def _pack(document: Document) -> bytes:
    return PACK_PRODUCT.pack(
        document.offset, document.length, document.product, document.category, len(document.pictures)
    )


def _identity(path: Path) -> dict[str, int]:
    """Return what changes when a file changes."""
    state = path.stat()
    return {"format": FORMAT, "size": state.st_size, "modified": state.st_mtime_ns}


def _sizes(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_size for name in (PRODUCTS, PICTURES)}


def _is_fresh(folder: Path, path: Path) -> bool:
    """Tell whether there is a complete index of the file as it is now."""
    try:
        about = json.loads((folder / ABOUT).read_text())
        return bool(about["made_of"] == _identity(path) and about["tables"] == _sizes(folder))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


def _read_document(file: BinaryIO, left: int) -> bytes:
    head = file.read(INT32.size)
    (length,) = INT32.unpack(head)
    if not INT32.size < length <= min(left, MAX_DOCUMENT):
        raise ValueError
    return head + file.read(length - INT32.size)


def _parse(data: bytes, at: int) -> Document:
    """Parse one whole document at offset `at` of its file.

    Raises ValueError, KeyError or struct.error if it is not a product's.
    """
    numbers = {b"category_id": NO_CATEGORY}
    pictures: list[tuple[int, bytes]] = []
    for kind, name, start, stop in _elements(data, 0, len(data)):
        if name in {b"_id", b"category_id"}:
            (numbers[name],) = INTEGERS[kind].unpack_from(data, start)
        elif name == b"imgs" and kind == ARRAY:
            for _, _, inner_start, inner_stop in _elements(data, start, stop):
                for inner_kind, inner_name, value, end in _elements(data, inner_start, inner_stop):
                    if inner_name == b"picture" and inner_kind == BINARY:
                        value += SIZES_BESIDE_LENGTH[BINARY]
                        pictures.append((at + value, data[value:end]))
    return Document(
        offset=at,
        length=len(data),
        product=numbers[b"_id"],
        category=numbers[b"category_id"],
        pictures=pictures,
    )


def _elements(data: bytes, start: int, stop: int) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield type, name, start and stop of each value in the document or array from `start` to `stop`."""
    if INT32.unpack_from(data, start)[0] != stop - start or data[stop - 1] != 0:
        raise ValueError
    at = start + INT32.size
    while at < stop - 1:
        kind = data[at]
        name_end = data.index(0, at + 1, stop)
        value = name_end + 1
        size = FIXED_SIZES.get(kind)
        if size is None:
            length = INT32.unpack_from(data, value)[0]
            size = SIZES_BESIDE_LENGTH[kind] + length
            if length < 0:
                raise ValueError
        end = value + size
        if end >= stop:
            raise ValueError
        yield kind, data[at + 1 : name_end], value, end
        at = end


def _find_start(file: BinaryIO, at: int, size: int) -> int:
    """Return the first offset from `at` on that looks like the start of a document, or the file's end."""
    file.seek(at)
    block = b""
    while more := file.read(BUFFER):
        block = block[1 - START_LENGTH :] + more
        if found := START.search(block):
            return file.tell() - len(block) + found.start()
    return size
