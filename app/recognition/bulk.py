"""Many photos from files: decoding and the network overlap, memory stays bounded."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import AppError, UnreadablePhoto
from app.recognition.photos import MAX_BYTES, SUFFIXES, open_photo
from app.recognition.prediction import Prediction
from app.recognition.service import ModelService

THREADS = 8
IN_FLIGHT = 4 * THREADS
REFUSED_SUFFIXES = {".heic", ".tif", ".tiff", ".bmp", ".avif"}  # named, so that nobody thinks them classified


@dataclass(frozen=True)
class Result:
    """The answer for one file: a prediction or the fault that stood against it."""

    path: Path
    prediction: Prediction | None
    error: AppError | None

    def to_json(self, service: ModelService) -> dict[str, Any]:
        """Return the documented JSON object of one photo."""
        return {
            "path": str(self.path),
            "model": service.bundle.model,
            "taxonomy": service.bundle.taxonomy.version,
            "predictions": self.prediction.to_json() if self.prediction else None,
            "error": self.error.to_json() if self.error else None,
        }


def find_photos(paths: Iterable[Path]) -> list[Path]:
    """Name every file given, and in every folder given the pictures at any depth, in order."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(
                p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES | REFUSED_SUFFIXES and p.is_file()
            )
        else:
            found.append(path)
    return found


def classify_files(service: ModelService, paths: Iterable[Path]) -> Iterator[Result]:
    """Classify files, one result each, in order; a bad file never stops the rest.

    Raises ModelNotReady when the network cannot be loaded.
    """
    service.wait()
    with ThreadPoolExecutor(THREADS) as pool:
        pending: deque[Future[Result]] = deque()
        for path in paths:
            pending.append(pool.submit(_classify_file, service, path))
            if len(pending) >= IN_FLIGHT:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _classify_file(service: ModelService, path: Path) -> Result:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return Result(path, service.predict(open_photo(data)), None)
    except AppError as error:
        return Result(path, None, error)
    except OSError as error:
        return Result(path, None, UnreadablePhoto(f"This file cannot be read: {error.strerror}."))
