"""Many photos from files: decoding and the network overlap, and memory stays bounded."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from app.errors import AppError, NoImage, TooManyPhotos, UnreadablePhoto
from app.recognition.bundle import Bundle
from app.recognition.cores import usable_cores
from app.recognition.folders import Listing, join, photo_files
from app.recognition.heatmap import Explanation
from app.recognition.limits import MAX_BYTES, MAX_PHOTOS
from app.recognition.photos import open_photo
from app.recognition.prediction import NO_ANSWER, Prediction
from app.recognition.products import ProductAnswer, answer_product
from app.recognition.service import ModelService

T = TypeVar("T")
BATCH = 8  # photos that a thread reads before it runs the network on them


@dataclass(frozen=True)
class Result:
    """The answer for one file: a prediction, or what went wrong."""

    path: Path
    prediction: Prediction | None
    error: AppError | None
    explanation: Explanation | None = None

    def to_json(self, bundle: Bundle) -> dict[str, Any]:
        """Return the documented JSON object of one photo."""
        answer = self.explanation or self.prediction
        return {
            "path": str(self.path),
            "model": bundle.model,
            "taxonomy": bundle.catalogue.version,
            **(answer.to_json() if answer else NO_ANSWER),
            "error": self.error.to_json() if self.error else None,
        }


@dataclass(frozen=True)
class ProductResult:
    """The answer from all photos of a product, or what went wrong, and each photo's own."""

    path: Path
    answer: ProductAnswer | None
    error: AppError | None
    photos: list[Result]

    def to_json(self, bundle: Bundle) -> dict[str, Any]:
        """Return the documented JSON object of one product."""
        return {
            "path": str(self.path),
            "model": bundle.model,
            "taxonomy": bundle.catalogue.version,
            **(self.answer.to_json() if self.answer else NO_ANSWER),
            "results": [photo.to_json(bundle) for photo in self.photos],
            "error": self.error.to_json() if self.error else None,
        }


def find_photos(paths: Iterable[Path]) -> Listing:
    """List the files given, whatever their names, and the photos at any depth of the folders given."""
    return join(photo_files(path, deep=True) if path.is_dir() else Listing([path]) for path in paths)


def classify_files(service: ModelService, paths: Sequence[Path], explain: bool = False) -> Iterator[Result]:
    """Classify files in order, with an explanation if asked; a bad file does not stop the others.

    Raises ModelNotReady when the network cannot be loaded.
    """
    readers = (partial(read_file, path) for path in paths)
    answers: Iterator[Prediction | Explanation | AppError]
    if explain:
        answers = ask_each(service, readers, lambda photos: [service.explain(photo) for photo in photos])
    else:
        answers = classify_each(service, readers)
    for path, answer in zip(paths, answers, strict=True):
        if isinstance(answer, AppError):
            yield Result(path, None, answer)
        elif isinstance(answer, Explanation):
            yield Result(path, answer.prediction, None, answer)
        else:
            yield Result(path, answer, None)


def group_products(paths: Iterable[Path]) -> list[tuple[Path, list[Path]]]:
    """List the photos of each product: each folder is one, and the files given are one together.

    A product is named after its folder, or its first file. Raises TooManyPhotos.
    """
    paths = list(paths)
    files = [path for path in paths if not path.is_dir()]
    products = [(path, photo_files(path, deep=True).photos) for path in paths if path.is_dir()]
    if files:
        products.insert(0, (files[0], files))
    for path, photos in products:
        if len(photos) > MAX_PHOTOS:
            raise TooManyPhotos(f"{path}: a product has 1 to {MAX_PHOTOS} photos, not {len(photos)}.")
    return products


def join_products(
    bundle: Bundle, products: Iterable[tuple[Path, list[Path]]], results: Iterator[Result]
) -> Iterator[ProductResult]:
    """Join the results for the photos of `products`, which come in order, into one result a product."""
    for path, photos in products:
        own = list(islice(results, len(photos)))
        try:
            answer = answer_product([one.prediction or one.error or NoImage() for one in own], bundle)
            yield ProductResult(path, answer, None, own)
        except AppError as error:
            yield ProductResult(path, None, error, own)


def classify_each(
    service: ModelService, readers: Iterable[Callable[[], bytes]]
) -> Iterator[Prediction | AppError]:
    """Classify the photos that `readers` read, in order; yield the fault of a bad one in its place.

    Raises ModelNotReady when the network cannot be loaded.
    """
    return ask_each(service, readers, service.predict_batch)


def ask_each(
    service: ModelService,
    readers: Iterable[Callable[[], bytes]],
    ask: Callable[[Sequence[Image.Image]], Sequence[T]],
) -> Iterator[T | AppError]:
    """Ask about batches of photos in one more thread than cores: while one reads, the cores stay busy."""
    service.wait()
    readers, threads = iter(readers), usable_cores() + 1
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[list[T | AppError]]] = deque()
        while batch := list(islice(readers, BATCH)):
            pending.append(pool.submit(_ask, ask, batch))
            if len(pending) > 2 * threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()


def _ask(
    ask: Callable[[Sequence[Image.Image]], Sequence[T]], readers: Sequence[Callable[[], bytes]]
) -> list[T | AppError]:
    """Answer each photo of a batch in order; a fault takes the place of its own photo only."""
    opened = [_open(read) for read in readers]
    photos = [one for one in opened if not isinstance(one, AppError)]
    answers: Iterator[T | AppError]
    try:
        answers = iter(ask(photos) if photos else ())
    except AppError as error:
        answers = repeat(error)
    return [one if isinstance(one, AppError) else next(answers) for one in opened]


def _open(read: Callable[[], bytes]) -> Image.Image | AppError:
    try:
        return open_photo(read())
    except AppError as error:
        return error
    except OSError as error:
        return UnreadablePhoto(f"This file cannot be read: {error.strerror}.")


def read_file(path: Path) -> bytes:
    """Read a file, or one byte more than the limit of a file that is too large."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
