"""Shares of photos, and intervals that say how far chance may have moved a figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
RESAMPLES = 1000
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Share:
    """A share in 0..1 of `photos` photos with its 95 % interval; None where there is no photo to judge by."""

    photos: int
    value: float | None
    low: float | None
    high: float | None


def measure_shares(cases: Sequence[tuple[Mask, Mask]], products: NDArray[np.int64]) -> list[Share]:
    """Measure for each case (hit [n], among [n]) the share of hits among the photos it is about.

    The intervals are percentiles of `RESAMPLES` bootstrap samples of products (`products` [n] numbers
    the product of each photo), because pictures of one product are right or wrong together.
    Efron 1979, "Bootstrap Methods: Another Look at the Jackknife".
    """
    if not cases:
        return []
    place = np.unique(products, return_inverse=True)[1]
    columns = [hit & among for hit, among in cases] + [among for _, among in cases]
    counts = np.column_stack([np.bincount(place, weights=column) for column in columns])
    random = np.random.default_rng(1)
    drawn = (random.integers(len(counts), size=len(counts)) for _ in range(RESAMPLES))
    sums = np.stack([np.bincount(rows, minlength=len(counts)) @ counts for rows in drawn])
    with np.errstate(invalid="ignore"):  # a sample without a photo to judge by, left out below
        resampled = sums[:, : len(cases)] / sums[:, len(cases) :]
    return [_share(hit, among, values) for (hit, among), values in zip(cases, resampled.T, strict=True)]


def measure_interval(
    figure: Callable[[NDArray[np.intp]], float], products: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the 95 % interval of a figure of at least 0 that is no share, by basic bootstrap of products.

    `figure` computes it from the rows [m] of a sample, ascending, in which a row may come several times.
    Samples that repeat photos exaggerate a calibration error; the basic bootstrap takes that off again.
    Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 5.2.
    """
    place = np.unique(products, return_inverse=True)[1]
    rows, count = np.arange(len(products)), int(place.max()) + 1
    random = np.random.default_rng(1)
    drawn = (np.bincount(random.integers(count, size=count), minlength=count) for _ in range(RESAMPLES))
    resampled = [figure(np.repeat(rows, times[place])) for times in drawn]
    high, low = 2 * figure(rows) - np.percentile(resampled, INTERVAL)
    return max(0.0, float(low)), float(high)


def _share(hit: Mask, among: Mask, resampled: NDArray[np.float64]) -> Share:
    if not among.any():
        return Share(0, None, None, None)
    low, high = np.percentile(resampled[np.isfinite(resampled)], INTERVAL)
    return Share(int(among.sum()), float(hit[among].mean()), float(low), float(high))
