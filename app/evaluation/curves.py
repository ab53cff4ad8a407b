"""How trustworthy probabilities are: calibration error, reliability, risk and coverage."""

import numpy as np
from numpy.typing import NDArray

from app.evaluation.figures import Bin, Step

BINS = 15
POINTS = 100
CHANCE_SAMPLES = 100


def expected_calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Average the gap between confidence and accuracy over `BINS` equal bins, weighted by their size, 0..1.

    Naeini et al. 2015, as used by Guo et al. 2017. `confidences` [n] in 0..1, `right` [n].
    """
    bins = reliability(confidences, right)
    return sum(abs(one.confidence - one.accuracy) * one.photos for one in bins) / len(confidences)


def reliability(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Compare confidence with accuracy in equal bins of confidence, without empty ones.

    `confidences` [n] in 0..1, `right` [n]. Guo et al. 2017, arXiv 1706.04599.
    """
    place = np.minimum((confidences * BINS).astype(int), BINS - 1)
    photos = np.bincount(place)
    sums = np.bincount(place, confidences), np.bincount(place, right)
    return tuple(
        Bin(n / BINS, (n + 1) / BINS, int(photos[n]), *(float(of[n] / photos[n]) for of in sums))
        for n in np.flatnonzero(photos).tolist()
    )


def calibration_by_chance(confidences: NDArray[np.float64]) -> float:
    """Return the mean calibration error of answers that are exactly as often right as they claim.

    Consistency resampling (Bröcker and Smith 2007, "Increasing the Reliability of Reliability Diagrams").
    """
    random = np.random.default_rng(1)
    samples = (random.random(len(confidences)) < confidences for _ in range(CHANCE_SAMPLES))
    return float(np.mean([expected_calibration_error(confidences, right) for right in samples]))


def risk_coverage(
    confidences: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[tuple[Step, ...], float]:
    """Return the risk at up to `POINTS` coverages, and the area under the whole curve (AURC), 0..1.

    Geifman and El-Yaniv 2017, arXiv 1705.08500; the area: Geifman et al. 2019, arXiv 1805.08206.
    """
    order = np.argsort(-confidences, kind="stable")
    taken = np.arange(1, len(order) + 1)
    risks = np.cumsum(~right[order]) / taken
    shown = np.unique(np.linspace(0, len(order) - 1, POINTS).round().astype(int))
    steps = tuple(Step(float(taken[place] / len(order)), float(risks[place])) for place in shown)
    return steps, float(risks.mean())
