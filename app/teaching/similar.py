"""Photos that look alike across a catalogue, found by their features in an index on disk.

Hierarchical navigable small worlds (Malkov & Yashunin 2018, arXiv 1603.09320), by USearch: nearly all nearest
photos are found without comparing each with each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from app.recognition.bundle import SERVING_WEIGHTS, Bundle
from app.teaching.head import take_roots

Array = NDArray[np.float32]
NEAREST = 10  # that each photo of a catalogue is compared with


@dataclass(frozen=True)
class Pair:
    """Two photos and the cosine of the roots of their features, 1 for the same photo."""

    first: Path
    second: Path
    similarity: float


class Catalogue:
    """An index of photos in a file, with their names beside it."""

    def __init__(self, photos: Sequence[Path], index: Index) -> None:
        self.photos, self._index = list(photos), index

    @classmethod
    def build(cls, path: Path, photos: Sequence[Path], features: Array, state: list[str]) -> Catalogue:
        """Index photos by their features [n, channels], and write the file. Raises OSError.

        `state` changes with anything that makes the index out of date.
        """
        index = Index(ndim=features.shape[1], metric="cos", dtype="f16")
        index.add(np.arange(len(photos)), take_roots(features))
        index.save(str(path))
        about = {"state": state, "photos": list(map(str, photos))}
        _beside(path).write_text(json.dumps(about), encoding="ascii")
        return cls(photos, index)

    @classmethod
    def read(cls, path: Path, state: list[str]) -> Catalogue | None:
        """Read an index of this state; None if there is no such one."""
        try:
            about = json.loads(_beside(path).read_text(encoding="ascii"))
            if about["state"] != state:
                return None
            return cls([Path(name) for name in about["photos"]], Index.restore(str(path)))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            return None

    def find(self, features: Array, count: int) -> list[list[tuple[Path, float]]]:
        """Find the nearest photos to each of some features [n, channels], most similar first."""
        count = min(count, len(self.photos))
        found = self._index.search(take_roots(features), count)
        keys, distances = np.atleast_2d(found.keys), np.atleast_2d(found.distances)
        return [
            [(self.photos[key], 1 - float(distance)) for key, distance in zip(*row, strict=True)]
            for row in zip(keys.tolist(), distances.tolist(), strict=True)
        ]

    def duplicates(self, features: Array, least: float) -> Iterator[Pair]:
        """Yield each pair of photos of the catalogue that is at least so similar, once.

        `features` [n, channels] are those of its photos.
        """
        seen = set()
        for photo, nearest in zip(self.photos, self.find(features, NEAREST), strict=True):
            for other, similarity in nearest:
                pair = frozenset((photo, other))
                if other != photo and similarity >= least and pair not in seen:
                    seen.add(pair)
                    yield Pair(photo, other, similarity)


def describe_state(bundle: Bundle, photos: Iterable[Path]) -> list[str]:
    """Return what changes with the network or any of the files, without reading them. Raises OSError."""
    marks = [bundle.manifest["files"][SERVING_WEIGHTS]]
    for photo in photos:
        status = photo.stat()
        marks.append(f"{photo} {status.st_mtime_ns} {status.st_size}")
    return marks


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
