"""Many photos from files: decoding and the network overlap, memory stays bounded."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from app.errors import AppError, UnreadablePhoto
from app.recognition.heatmap import Explanation
from app.recognition.photos import MAX_BYTES, SUFFIXES, open_photo
from app.recognition.prediction import NO_ANSWER, Prediction
from app.recognition.service import ModelService

T = TypeVar("T")
THREADS = 8
IN_FLIGHT = 4 * THREADS
REFUSED_SUFFIXES = {".heic", ".tif", ".tiff", ".bmp", ".avif"}  # named, so that nobody thinks them classified


@dataclass(frozen=True)
class Result:
    """The answer for one file: a prediction or the fault that stood against it."""

    path: Path
    prediction: Prediction | None
    error: AppError | None
    explanation: Explanation | None = None

    def to_json(self, service: ModelService) -> dict[str, Any]:
        """Return the documented JSON object of one photo."""
        answer = self.explanation or self.prediction
        return {
            "path": str(self.path),
            "model": service.bundle.model,
            "taxonomy": service.bundle.catalogue.version,
            **(answer.to_json() if answer else NO_ANSWER),
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


def classify_files(service: ModelService, paths: Sequence[Path], explain: bool = False) -> Iterator[Result]:
    """Classify files, one result each, in order, with an explanation if asked; a bad file stops no other.

    Raises ModelNotReady when the network cannot be loaded.
    """
    readers = (partial(read_file, path) for path in paths)
    ask: Callable[[Image.Image], Prediction | Explanation] = service.explain if explain else service.predict
    answers = _ask_each(service, readers, ask)
    for path, answer in zip(paths, answers, strict=True):
        if isinstance(answer, AppError):
            yield Result(path, None, answer)
        elif isinstance(answer, Explanation):
            yield Result(path, answer.prediction, None, answer)
        else:
            yield Result(path, answer, None)


def classify_each(
    service: ModelService, readers: Iterable[Callable[[], bytes]]
) -> Iterator[Prediction | AppError]:
    """Classify the photos that `readers` read, in order; a bad one is answered with what is wrong.

    Raises ModelNotReady when the network cannot be loaded.
    """
    return _ask_each(service, readers, service.predict)


def _ask_each(
    service: ModelService, readers: Iterable[Callable[[], bytes]], ask: Callable[[Image.Image], T]
) -> Iterator[T | AppError]:
    service.wait()
    with ThreadPoolExecutor(THREADS) as pool:
        pending: deque[Future[T | AppError]] = deque()
        for read in readers:
            pending.append(pool.submit(_classify, ask, read))
            if len(pending) >= IN_FLIGHT:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _classify(ask: Callable[[Image.Image], T], read: Callable[[], bytes]) -> T | AppError:
    try:
        return ask(open_photo(read()))
    except AppError as error:
        return error
    except OSError as error:
        return UnreadablePhoto(f"This file cannot be read: {error.strerror}.")


def read_file(path: Path) -> bytes:
    """Read a file, of one that is too large no more than shows that it is."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
