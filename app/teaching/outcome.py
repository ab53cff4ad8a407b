"""What cross-validation says of each taught category, and of the bundle as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from app.data.dataset import FolderFiles, PhotoSet
from app.evaluation.card import save_evaluation
from app.evaluation.measure import evaluate
from app.recognition.bundle import Bundle
from app.recognition.prediction import predict
from app.recognition.taxonomy import Category, Taxonomy
from app.teaching.head import Labels
from app.teaching.teach import Taught

WEAK = 0.7  # of a category's photos right; below it is named
SPLIT = "cross-validation"


@dataclass(frozen=True)
class Outcome:
    """A category: its `photos`, how many were `measured` and `right`, and for what most others were taken."""

    category: Category
    photos: int
    measured: int
    right: int
    taken_for: Category | None = None
    taken: int = 0

    @property
    def is_weak(self) -> bool:
        """Whether more photos would help before anybody relies on it."""
        return self.measured > 0 and self.right < WEAK * self.measured


def judge(taught: Taught, labels: Labels, taxonomy: Taxonomy) -> list[Outcome]:
    """Judge each category that photos with these labels [n] show, in the order of `taxonomy`."""
    measured, answers = labels[taught.rows], taught.logits.argmax(axis=1)
    found = []
    for label in np.unique(labels).tolist():
        of_label = answers[measured == label]
        wrong = Counter(of_label[of_label != label].tolist()).most_common(1)
        other, taken = wrong[0] if wrong else (None, 0)
        found.append(
            Outcome(
                taxonomy.categories[label],
                int((labels == label).sum()),
                len(of_label),
                int((of_label == label).sum()),
                None if other is None else taxonomy.categories[other],
                taken,
            )
        )
    return found


def save_cross_validation(
    bundle: Bundle, taught: Taught, paths: Sequence[Path], labels: Labels, products: Sequence[str]
) -> None:
    """Save figures of what was measured in the bundle, with plots where matplotlib is installed.

    Takes the photos that were taught, their labels [n] and products [n].
    """
    if not len(taught.rows):
        return
    rows = taught.rows.tolist()
    photos = PhotoSet(
        files=_OwnFiles([paths[row] for row in rows]),
        numbers=np.arange(len(rows)),
        labels=labels[rows],
        products=np.unique([products[row] for row in rows], return_inverse=True)[1],
        sources=np.zeros(len(rows), np.int64),
    )
    answers = (predict(row, bundle) for row in taught.logits)
    save_evaluation(bundle, evaluate(photos, answers, bundle, SPLIT), plots=bool(find_spec("matplotlib")))


class _OwnFiles(FolderFiles):
    """Files whose names say nothing of where they come from."""

    def source(self, number: int) -> str:  # noqa: ARG002
        return ""
