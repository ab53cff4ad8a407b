"""From the logits of a network to the answer that people and programs get."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import ModelFault
from app.recognition.taxonomy import Category, Taxonomy

BEST = 4


@dataclass(frozen=True)
class Guess:
    """A category with its calibrated probability in 0..1."""

    category: Category
    probability: float

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON object of one category."""
        category = self.category
        return {
            "category_id": category.category_id,
            "slug": category.slug,
            "name": category.name_en,
            "name_fr": category.name_fr,
            "path": list(category.path),
            "probability": round(self.probability, 6),
        }


@dataclass(frozen=True)
class Prediction:
    """The most likely categories of one photo, best first, and which network said so."""

    model: str
    taxonomy: str
    guesses: tuple[Guess, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the documented JSON list, best first."""
        return [guess.to_json() for guess in self.guesses]


def calibrate(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Turn logits [..., classes] into probabilities by temperature scaling.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599.
    """
    scaled = logits.astype(np.float64) / temperature
    with np.errstate(invalid="ignore"):  # infinite logits become NaN here, which `best_guesses` refuses
        powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def best_guesses(probabilities: NDArray[np.float64], taxonomy: Taxonomy) -> tuple[Guess, ...]:
    """Pick the `BEST` most likely categories from probabilities [classes], best first.

    Raises ModelFault when the network gave no finite numbers.
    """
    if not np.isfinite(probabilities).all():
        raise ModelFault
    order = np.argsort(-probabilities, kind="stable")[:BEST]
    return tuple(Guess(taxonomy.categories[index], float(probabilities[index])) for index in order)
