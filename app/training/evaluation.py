"""How right a bundle is on labelled photos, measured through the very path that serves them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from app.errors import AppError
from app.recognition.bundle import Bundle
from app.recognition.prediction import BEST, Prediction
from app.training.calibration import expected_calibration_error
from app.training.dataset import PhotoSet


@dataclass(frozen=True)
class CategoryFigures:
    """Figures of one category; all shares in 0..1, precision None where it was never answered."""

    slug: str
    photos: int
    top1: float
    top4: float
    precision: float | None


@dataclass(frozen=True)
class Figures:
    """Figures of a whole evaluation; all shares in 0..1."""

    model: str
    photos: int
    unreadable: int
    top1: float
    top4: float
    level1: float
    calibration_error: float
    categories: tuple[CategoryFigures, ...]

    def to_json(self) -> dict[str, Any]:
        """Return every figure as a JSON object."""
        return asdict(self)


def evaluate(photos: PhotoSet, answers: Iterable[Prediction | AppError], bundle: Bundle) -> Figures:
    """Compare answers, in the order of `photos`, with labels; an unreadable photo counts as wrong."""
    taxonomy = bundle.taxonomy
    class_of = taxonomy.class_of
    labels = photos.labels
    ranked = np.full((len(photos), BEST), -1)
    confidences = np.zeros(len(photos))
    unreadable = 0
    for row, answer in enumerate(answers):
        if isinstance(answer, AppError):
            unreadable += 1
            continue
        ranked[row, : len(answer.guesses)] = [class_of[guess.category.slug] for guess in answer.guesses]
        confidences[row] = answer.guesses[0].probability
    first, any4 = ranked[:, 0] == labels, (ranked == labels[:, None]).any(axis=1)
    level1 = np.array([category.level1 for category in taxonomy.categories])
    return Figures(
        model=bundle.model,
        photos=len(photos),
        unreadable=unreadable,
        top1=float(first.mean()),
        top4=float(any4.mean()),
        level1=float(((ranked[:, 0] >= 0) & (level1[ranked[:, 0]] == level1[labels])).mean()),
        calibration_error=expected_calibration_error(confidences, first),
        categories=tuple(
            CategoryFigures(
                slug=category.slug,
                photos=int((labels == label).sum()),
                top1=float(first[labels == label].mean()),
                top4=float(any4[labels == label].mean()),
                precision=float(first[ranked[:, 0] == label].mean()) if label in ranked[:, 0] else None,
            )
            for label, category in enumerate(taxonomy.categories)
        ),
    )
