"""Many photos from files: decoding and the network overlap, memory stays bounded."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from app.errors import AppError, NoImage, TooManyPhotos, UnreadablePhoto
from app.recognition.heatmap import Explanation
from app.recognition.photos import MAX_BYTES, SUFFIXES, open_photo
from app.recognition.prediction import NO_ANSWER, Prediction
from app.recognition.products import MAX_PHOTOS, ProductAnswer, answer_product
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


@dataclass(frozen=True)
class ProductResult:
    """The answer from all photos of a product, or the fault that stood against it, and each photo's own."""

    path: Path
    answer: ProductAnswer | None
    error: AppError | None
    photos: list[Result]

    def to_json(self, service: ModelService) -> dict[str, Any]:
        """Return the documented JSON object of one product."""
        return {
            "path": str(self.path),
            "model": service.bundle.model,
            "taxonomy": service.bundle.catalogue.version,
            **(self.answer.to_json() if self.answer else NO_ANSWER),
            "results": [photo.to_json(service) for photo in self.photos],
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


def group_products(paths: Iterable[Path]) -> list[tuple[Path, list[Path]]]:
    """Name the photos of each product: of each folder given, and the files given as one product.

    A product goes by its folder, or its first file. Raises TooManyPhotos.
    """
    paths = list(paths)
    files = [path for path in paths if not path.is_dir()]
    products = [(path, find_photos([path])) for path in paths if path.is_dir()]
    if files:
        products.insert(0, (files[0], files))
    for path, photos in products:
        if len(photos) > MAX_PHOTOS:
            raise TooManyPhotos(f"{path}: a product has 1 to {MAX_PHOTOS} photos, not {len(photos)}.")
    return products


def join_products(
    service: ModelService, products: Iterable[tuple[Path, list[Path]]], results: Iterator[Result]
) -> Iterator[ProductResult]:
    """Join the results of the photos of `products`, which come in order, to one result a product."""
    for path, photos in products:
        own = list(islice(results, len(photos)))
        try:
            answer = answer_product([one.prediction or one.error or NoImage() for one in own], service.bundle)
            yield ProductResult(path, answer, None, own)
        except AppError as error:
            yield ProductResult(path, None, error, own)


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
