"""The features of many photos, each computed once: a file keeps them by the photo's bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.errors import AppError, DataError
from app.recognition.bulk import ask_each, read_file
from app.recognition.bundle import SERVING_MODEL, SERVING_WEIGHTS, Bundle
from app.recognition.service import ModelService
from app.storage.sqlite import SqliteFile

Array = NDArray[np.float32]
FILE = "features.sqlite3"
AT_ONCE = 256  # photos between two notes on disk: as many are computed again after a stop
MOST_KEPT = 200_000  # photos; 1 GB with 1,280 features each
TABLES = """
CREATE TABLE IF NOT EXISTS feature (number INTEGER PRIMARY KEY, key BLOB UNIQUE, vector BLOB);
"""


class FeatureCache:
    """Features by the SHA-256 of the photo's bytes and the network they are of; the oldest go first."""

    def __init__(self, path: Path, bundle: Bundle) -> None:
        self._network = identify(bundle)
        self._file = SqliteFile(path, TABLES, lambda error: DataError(f"{path} cannot be used: {error}."))

    def key(self, photo: bytes) -> bytes:
        """Return the key of the bytes of a photo."""
        return hashlib.sha256(self._network + hashlib.sha256(photo).digest()).digest()

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Array]:
        """Return the features that are known. Raises DataError."""
        marks = ",".join("?" * len(keys))
        with self._file.transaction() as connection:
            rows = connection.execute(f"SELECT key, vector FROM feature WHERE key IN ({marks})", keys)  # noqa: S608
            return {key: np.frombuffer(vector, np.float32) for key, vector in rows}

    def keep(self, features: dict[bytes, Array]) -> None:
        """Keep features. Raises DataError."""
        with self._file.transaction() as connection:
            rows = [(key, vector.tobytes()) for key, vector in features.items()]
            connection.executemany("INSERT OR IGNORE INTO feature (key, vector) VALUES (?, ?)", rows)
            connection.execute(
                "DELETE FROM feature WHERE number <= (SELECT max(number) FROM feature) - ?", (MOST_KEPT,)
            )


def identify(bundle: Bundle) -> bytes:
    """Return what tells the network of a bundle, and how it takes photos, from all others."""
    files = [bundle.manifest["files"][name] for name in (SERVING_MODEL, SERVING_WEIGHTS)]
    return repr((files, bundle.preprocessing)).encode()


def embed_files(
    service: ModelService, paths: Sequence[Path], cache: FeatureCache
) -> Iterator[tuple[bytes, Array | AppError]]:
    """Yield the digest and the features of each photo in order; a bad file has its fault in their place.

    Raises ModelNotReady when the network cannot be loaded, and DataError if the cache cannot be used.
    """
    rest = iter(paths)
    while chunk := list(islice(rest, AT_ONCE)):
        keys = [_key(path, cache) for path in chunk]
        known = cache.find(keys)
        missing = {key: path for key, path in zip(keys, chunk, strict=True) if key not in known}
        readers = [partial(read_file, path) for path in missing.values()]
        answers = dict(zip(missing, ask_each(service, readers, service.embed), strict=True))
        cache.keep({key: one for key, one in answers.items() if not isinstance(one, AppError)})
        yield from ((key, (known | answers)[key]) for key in keys)


def _key(path: Path, cache: FeatureCache) -> bytes:
    try:
        return cache.key(read_file(path))
    except OSError:  # which `ask_each` meets again, and tells
        return cache.key(repr(path).encode())
