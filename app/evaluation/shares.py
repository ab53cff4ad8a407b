"""Shares of photos with intervals that say how far chance may have moved them."""

from collections.abc import Sequence
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


def _share(hit: Mask, among: Mask, resampled: NDArray[np.float64]) -> Share:
    if not among.any():
        return Share(0, None, None, None)
    low, high = np.percentile(resampled[np.isfinite(resampled)], INTERVAL)
    return Share(int(among.sum()), float(hit[among].mean()), float(low), float(high))
