"""How sure a network may be: the temperature of its probabilities, and how well they then hold."""

import numpy as np
from numpy.typing import NDArray

from app.recognition.prediction import calibrate

BINS = 15


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Find the temperature that makes the right labels most likely (Guo et al. 2017, arXiv 1706.04599).

    `logits` is [n, classes], `labels` [n] class indices.
    """
    from scipy.optimize import minimize_scalar  # not installed where bundles are only used

    def surprise(temperature: float) -> float:
        right = calibrate(logits, temperature)[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(right, 1e-12)).mean())

    return float(minimize_scalar(surprise, bounds=(0.1, 10.0), method="bounded").x)


def expected_calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Average the gap between confidence and accuracy over `BINS` equal bins, weighted by their size, 0..1.

    Naeini et al. 2015, as used by Guo et al. 2017. `confidences` [n] in 0..1, `right` [n].
    """
    bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
    gaps = [
        abs(confidences[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    return float(np.sum(gaps))
