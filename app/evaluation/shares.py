"""Shares of photos, and intervals that say how much chance may have moved them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
RESAMPLES = 1000
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Share:
    """A share in 0..1 of `photos` photos with its 95 % interval; None without a photo."""

    photos: int
    value: float | None
    low: float | None
    high: float | None


def measure_shares(cases: Sequence[tuple[Mask, Mask]], products: NDArray[np.int64]) -> list[Share]:
    """Measure for each case (hit [n], among [n]) the share of hits among its photos.

    The intervals are percentiles of `RESAMPLES` bootstrap samples of products (`products` [n] numbers
    the product of each photo), because photos of one product are right or wrong together.
    Efron 1979, "Bootstrap Methods: Another Look at the Jackknife". If all photos are hits, or none,
    the samples do not differ; the interval is then Wilson's for as many products (Wilson 1927).
    """
    if not cases:
        return []
    place = np.unique(products, return_inverse=True)[1]
    columns = [hit & among for hit, among in cases] + [among for _, among in cases]
    counts = np.column_stack([np.bincount(place, weights=column) for column in columns])
    random = np.random.default_rng(1)
    samples = (random.integers(len(counts), size=len(counts)) for _ in range(RESAMPLES))
    sums = np.stack([np.bincount(rows, minlength=len(counts)) @ counts for rows in samples])
    with np.errstate(invalid="ignore"):  # a sample without a photo of the case is left out below
        resampled = sums[:, : len(cases)] / sums[:, len(cases) :]
    judged = (counts[:, len(cases) :] > 0).sum(axis=0).tolist()
    return [_share(*case, *row) for case, *row in zip(cases, resampled.T, judged, strict=True)]


def measure_interval(
    figure: Callable[[NDArray[np.intp]], float], products: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the 95 % interval of a non-negative figure that is not a share, by basic bootstrap of products.

    `figure` computes it from the ascending rows [m] of a sample, in which a row may occur several times.
    Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 5.2.
    """
    rows = np.arange(len(products))
    high, low = 2 * figure(rows) - np.percentile(_resample(figure, products), INTERVAL)
    return max(0.0, float(low)), float(high)


def measure_error_interval(
    error: Callable[[NDArray[np.intp]], float], chance: float, products: NDArray[np.int64]
) -> tuple[float, float]:
    """Return an interval that contains the true calibration error in at least 95 of 100 measurements.

    `error` is as in `measure_interval`. A measured error exceeds the true one by something between nothing
    and `chance`, the error of perfectly calibrated answers. The interval allows for that and for the spread
    of the bootstrap samples.
    """
    resampled = _resample(error, products)
    below, above = np.percentile(resampled, INTERVAL) - np.mean(resampled)
    measured = error(np.arange(len(products)))
    return max(0.0, float(measured - chance + below)), float(measured + above)


def _resample(figure: Callable[[NDArray[np.intp]], float], products: NDArray[np.int64]) -> list[float]:
    """Compute a figure from each of `RESAMPLES` bootstrap samples of products."""
    place = np.unique(products, return_inverse=True)[1]
    rows, count = np.arange(len(products)), int(place.max()) + 1
    random = np.random.default_rng(1)
    samples = (np.bincount(random.integers(count, size=count), minlength=count) for _ in range(RESAMPLES))
    return [figure(np.repeat(rows, times[place])) for times in samples]


def _share(hit: Mask, among: Mask, resampled: NDArray[np.float64], products: int) -> Share:
    if not among.any():
        return Share(0, None, None, None)
    value = float(hit[among].mean())
    low, high = np.percentile(resampled[np.isfinite(resampled)], INTERVAL)
    if low == high:
        low, high = _wilson(value, products)
    return Share(int(among.sum()), value, float(low), float(high))


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share among `count`."""
    z2 = 1.96**2
    centre, scale = share + z2 / (2 * count), 1 + z2 / count
    half = np.sqrt(z2 * share * (1 - share) / count + (z2 / (2 * count)) ** 2)
    return max(0.0, float((centre - half) / scale)), min(1.0, float((centre + half) / scale))
