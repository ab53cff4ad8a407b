"""From features and labels to a head, and how far its answers can be trusted: by cross-validation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np

from app.recognition.bundle import Bundle, Thresholds
from app.recognition.prediction import calibrate, predict
from app.recognition.taxonomy import Taxonomy
from app.teaching.beside import Beside
from app.teaching.head import Array, Head, Known, Labels, fit_heads, sum_up
from app.training.calibration import fit_temperature, fit_thresholds

FOLDS = 5
ALWAYS = -1  # the fold of photos that no head does without
SHRINKAGES = (0.3, 1.0, 3.0)  # of which cross-validation chooses
UNMEASURED = 3.0  # the shrinkage where it cannot
UNMEASURED_TEMPERATURE = 2.0
MOST_MEASURED = 10_000  # photos; more improve no figure, and their logits fill the memory


@dataclass(frozen=True, eq=False)
class Taught:
    """A head, its calibration, what is known of its categories now, and its cross-validation.

    `rows` [m] are the photos that could be measured, and `logits` [m, classes] what heads say to them that
    were fitted without them and other photos of the same product.
    """

    head: Head
    temperature: float
    thresholds: Thresholds
    known: Known
    rows: Labels
    logits: Array


def teach(
    features: Array,
    labels: Labels,
    products: Sequence[Hashable],
    base: Bundle,
    taxonomy: Taxonomy,
    start: Known | None = None,
    beside: Beside | None = None,
    seed: int = 1,
) -> Taught:
    """Fit a head for the categories of `taxonomy` to photos, and calibrate it.

    Takes features [n, channels] of the network of `base`, labels [n], and for each photo something that
    photos of the same product share. `start` is what is known besides these photos; `beside` is the old head
    whose categories stay.
    The same arguments give the same result to the bit.
    """
    folds = assign_folds(labels, products, seed)
    parts = {fold: sum_up(features[folds == fold], labels[folds == fold], len(taxonomy))
             for fold in np.unique(folds).tolist()}  # fmt: skip
    sums = reduce(add, [*parts.values(), *([start.sums] if start else ())])
    known = Known(sums, start.spread if start else sums.spread)

    def fit(known: Known, shrinkages: Sequence[float]) -> list[Head]:
        heads = fit_heads(known, shrinkages)
        if beside is None:
            return heads
        pairs = zip(heads, shrinkages, strict=True)
        return [beside.join(head, shrinkage, features, labels) for head, shrinkage in pairs]

    rows = _choose_rows(folds)
    if not len(rows):
        [head] = fit(known, [UNMEASURED])
        nothing = np.empty((0, len(taxonomy)), np.float32)
        return Taught(head, UNMEASURED_TEMPERATURE, Thresholds(), known, rows, nothing)
    tried = np.empty((len(SHRINKAGES), len(rows), len(taxonomy)), np.float32)
    for fold in set(folds[rows].tolist()):
        held = folds[rows] == fold
        heads = fit(Known(sums - parts[fold], known.spread), SHRINKAGES)
        tried[:, held] = [head.logits(features[rows[held]]) for head in heads]
    temperatures = [_fit_temperature(logits, labels[rows]) for logits in tried]
    best = int(np.argmin([_loss(*one, labels[rows]) for one in zip(tried, temperatures, strict=True)]))
    logits, temperature = tried[best], temperatures[best]
    judged = replace(base, taxonomy=taxonomy, temperature=temperature, thresholds=Thresholds(), mapping=None)
    thresholds = fit_thresholds(
        (predict(row, judged) for row in logits), [taxonomy.categories[label] for label in labels[rows]]
    )
    [head] = fit(known, [SHRINKAGES[best]])
    return Taught(head, temperature, thresholds, known, rows, logits)


def assign_folds(labels: Labels, products: Sequence[Hashable], seed: int) -> Labels:
    """Spread the products of each category over `FOLDS` folds [n]; the only one of a category is in none."""
    random = np.random.default_rng(seed)
    members: defaultdict[int, dict[Hashable, None]] = defaultdict(dict)
    for label, product in zip(labels.tolist(), products, strict=True):
        members[label][product] = None
    fold_of: dict[Hashable, int] = {}
    for label in sorted(members):
        own = list(members[label])
        start = int(random.integers(FOLDS))
        for place, number in enumerate(random.permutation(len(own)).tolist(), start):
            fold_of.setdefault(own[number], ALWAYS if len(own) == 1 else place % FOLDS)
    return np.array([fold_of[product] for product in products])


def _choose_rows(folds: Labels) -> Labels:
    """Choose the photos to measure, from all folds alike."""
    rows = np.flatnonzero(folds != ALWAYS)
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_MEASURED)).astype(np.int64)]


def _fit_temperature(logits: Array, labels: Labels) -> float:
    """Fit the temperature as if one more photo had been answered wrongly: few right ones prove little."""
    doubtful = np.argmin(np.ptp(logits, axis=1))
    second = np.argsort(-logits[doubtful])[1]
    return fit_temperature(np.vstack([logits, logits[doubtful]]), np.append(labels, second))


def _loss(logits: Array, temperature: float, labels: Labels) -> float:
    """Return the mean surprise about the right categories."""
    right = calibrate(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(right, 1e-12)).mean())
