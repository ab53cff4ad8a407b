"""A small bundle without a network, what it might answer to six photos, and rows of a history."""

import io
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.data.dataset import Files, PhotoSet, source_of
from app.errors import AppError, UnreadablePhoto
from app.evaluation.figures import Evaluation
from app.evaluation.measure import evaluate
from app.history.entry import Entry
from app.recognition.bundle import Bundle, Thresholds
from app.recognition.origin import Origin
from app.recognition.prediction import Prediction, Verdict, predict
from app.recognition.preprocess import Preprocessing
from app.recognition.taxonomy import Category, Taxonomy

PATHS = (
    ("TEXTILE", "HAUT", "PULL"),
    ("TEXTILE", "HAUT", "GILET"),
    ("TEXTILE", "BAS", "JUPE"),
    ("LOISIR", "JEU", "DAMIER"),
)
NAMES = tuple(f"{'balls' if number < 4 else 'attic'}-{number}.jpg" for number in range(6))
MANIFEST = {
    "model": "small",
    "taxonomy": "small-4",
    "architecture": "inception_v3",
    "preprocessing": {"side": 75, "scale": 1.0, "offset": 0.0},
    "temperature": 1.0,
    "thresholds": {"sure": 0.8, "path": 0.8, "known": -100.0},
    "licence": "MIT",
    "classes": [0, 1, 2, 3],
    "taught": [140, 30, 31, 17],
    "training": {
        "data": "40 photos trained on",
        "sources": ["balls", "attic"],
        "stages": [{"frozen_to": "mixed8", "epochs": 1, "rate": 0.001, "side": 75}],
        "curve": [{"stage": 0, "loss": 2.0, "accuracy": 0.4}, {"stage": 1, "loss": 1.0, "accuracy": 0.8}],
    },
}


@dataclass(frozen=True)
class WhitePhotos:
    """White photos of given widths, each with its name."""

    sides: tuple[int, ...]
    names: tuple[str, ...]

    def name(self, number: int) -> str:
        return self.names[number]

    def source(self, number: int) -> str:
        return source_of(Path(self.names[number]))

    def read(self, number: int) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (self.sides[number], 40), "white").save(file, "JPEG")
        return file.getvalue()


def small_bundle(folder: Path = Path("small")) -> Bundle:
    """Make a bundle of 4 categories; nothing is read from its folder."""
    categories = tuple(
        Category(i, path[2].lower(), *path, path[2].title(), path[2]) for i, path in enumerate(PATHS)
    )
    return Bundle(
        folder=folder,
        model="small",
        architecture="inception_v3",
        preprocessing=Preprocessing(75, 1.0, 0.0),
        taxonomy=Taxonomy(categories),
        temperature=1.0,
        thresholds=Thresholds(0.8, 0.8, -100.0),
        manifest=MANIFEST,
    )


def six_photos() -> PhotoSet:
    """Six photos: the first two of one product; three of 60 px, three of 224 px."""
    return PhotoSet(
        files=WhitePhotos((60, 60, 60, 224, 224, 224), NAMES),
        numbers=np.arange(6),
        labels=np.array([0, 0, 1, 2, 3, 3]),
        products=np.array([7, 7, 8, 9, 10, 11]),
        sources=np.array([0, 0, 0, 0, 1, 1]),
    )


def photo_set(files: Files, rows: NDArray[np.int64]) -> PhotoSet:
    """Make photos of which all that is known are these numbers, one a photo."""
    return PhotoSet(files=files, numbers=rows, labels=rows, products=rows, sources=rows)


def answer(bundle: Bundle, *probabilities: float, known: bool = True) -> Prediction:
    """Answer with probabilities of the 4 categories, or that the photo probably shows none of them."""
    given = predict(np.log(probabilities).astype(np.float32), bundle)
    return given if known else replace(given, verdict=Verdict.NO_CATEGORY)


def six_answers(bundle: Bundle) -> list[Prediction | AppError]:
    """Answer the six photos."""
    return [
        answer(bundle, 0.91, 0.03, 0.03, 0.03),  # right and sure
        answer(bundle, 0.40, 0.50, 0.05, 0.05),  # wrong, but the level above is right
        answer(bundle, 0.50, 0.40, 0.05, 0.05),  # wrong, but the level above is right
        answer(bundle, 0.05, 0.05, 0.30, 0.60),  # wrong at every level, and nothing can be trusted
        answer(bundle, 0.02, 0.02, 0.02, 0.94, known=False),  # right, but marked as none of them
        UnreadablePhoto(),
    ]


def small_evaluation() -> Evaluation:
    """Judge the six answers, two to products of other categories, and four to photos without a product."""
    bundle = small_bundle()
    unknown = [answer(bundle, 0.97, 0.01, 0.01, 0.01), answer(bundle, 0.4, 0.3, 0.2, 0.1)]
    others = [answer(bundle, 0.3, 0.3, 0.2, 0.2, known=known) for known in (False, False, False, True)]
    return evaluate(six_photos(), six_answers(bundle), bundle, "val", unknown, others)


def entry_of(predictions: list[dict[str, Any]], **facts: Any) -> Entry:
    """Make the row of an answer to an uploaded photo unlike any other, with other `facts` where given."""
    usual: dict[str, Any] = {
        "model": "inception-v3",
        "taxonomy_version": "cdiscount-83-0badcafe",
        "origin": Origin(),
        "milliseconds": 41.5,
        "verdict": "unsure",
        "roll_up": [],
        "fingerprint": secrets.token_hex(32),
        "dhash": secrets.token_hex(8),
    }
    return Entry(predictions=predictions, **(usual | facts))
