"""Fit a head to features in one step: a linear discriminant on the roots of the features, regularised.

Friedman 1989, "Regularized Discriminant Analysis": categories differ in their means and share one
covariance, which is shrunk towards independent features of equal spread. It needs sums over the photos only,
so photos can be left out again in no time, and a bundle can ship what it knows without a photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Sum = NDArray[np.float64]
Labels = NDArray[np.int64]
ROWS_AT_ONCE = 1024
LEAST_SPREAD = 0.05  # of a feature, as a share of the largest: those that hardly vary say nothing
LEAST_VARIANCE = 1e-3  # within categories: of single photos and copies there is none
DEPENDENCE = 0.1  # of logits: features err together, so that taken one by one they prove ten times too much
TRUST_IN_KNOWN = 1000  # photos' worth of what the base network knows of how features vary together


@dataclass(frozen=True, eq=False)
class Head:
    """A dense layer on the roots of pooled features: `weights` [classes, channels], `biases` [classes].

    Beside a head that was trained, `linear` [classes, channels] takes the features themselves.
    """

    weights: Array
    biases: Array
    linear: Array | None = None

    def logits(self, features: Array) -> Array:
        """Turn features [n, channels] into logits [n, classes]."""
        logits = take_roots(features) @ self.weights.T + self.biases
        return np.asarray(logits if self.linear is None else logits + features @ self.linear.T, np.float32)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over photos with roots of features r: how many of each category [classes], r [classes, channels],
    and r times its transpose [channels, channels].

    `freedom` are degrees of freedom in `squares` beyond those of the counted photos.
    """

    counts: Sum
    roots: Sum
    squares: Sum
    freedom: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.counts + other.counts,
            self.roots + other.roots,
            self.squares + other.squares,
            self.freedom + other.freedom,
        )

    def __sub__(self, other: Sums) -> Sums:
        return Sums(
            self.counts - other.counts,
            self.roots - other.roots,
            self.squares - other.squares,
            self.freedom - other.freedom,
        )

    @property
    def means(self) -> Sum:
        """The mean roots of each category [classes, channels]; 0 of one without photos."""
        return np.asarray(self.roots / np.maximum(self.counts, 1)[:, None])

    @property
    def covariance(self) -> Sum:
        """How roots vary within categories [channels, channels]."""
        within = self.squares - self.roots.T @ self.means
        return np.asarray(within / max(self.whole_freedom, 1.0))

    @property
    def whole_freedom(self) -> float:
        """The degrees of freedom of the covariance."""
        return self.freedom + float(self.counts.sum() - np.count_nonzero(self.counts))

    @property
    def spread(self) -> Sum:
        """The standard deviation of each root over all photos [channels]."""
        shares, means = self.counts / self.counts.sum(), self.means
        between = shares @ (means - shares @ means) ** 2
        return np.asarray(np.sqrt((self.covariance.diagonal() + between).clip(min=0)))


@dataclass(frozen=True, eq=False)
class Known:
    """What a network knows of its categories, and by how much to scale roots [channels] for it."""

    sums: Sums
    spread: Sum

    def among(self, classes: int, place: Labels) -> Known:
        """Return the same where category i is number place[i] of `classes`."""
        counts, roots = np.zeros(classes), np.zeros((classes, len(self.spread)))
        counts[place], roots[place] = self.sums.counts, self.sums.roots
        return Known(Sums(counts, roots, self.sums.squares, self.sums.freedom), self.spread)

    def limited_to(self, photos: int) -> Known:
        """Have each category count for so many photos at most, so that new ones move it."""
        counts, means = np.minimum(self.sums.counts, photos), self.sums.means
        roots, whole = means * counts[:, None], self.sums.whole_freedom
        squares = self.sums.covariance * whole + roots.T @ means
        freedom = whole - float(counts.sum() - np.count_nonzero(counts))
        return Known(Sums(counts, roots, squares, freedom), self.spread)

    def without_categories(self, classes: int) -> Known:
        """Keep how roots vary within a category, which is much the same everywhere, for `classes` others.

        A handful of photos does not show it.
        """
        freedom = min(TRUST_IN_KNOWN, self.sums.whole_freedom)
        squares = self.sums.covariance * freedom
        return Known(
            Sums(np.zeros(classes), np.zeros((classes, len(squares))), squares, freedom), self.spread
        )


def take_roots(features: Array) -> Array:
    """Return the roots of features, 0 for negative ones: they tame the few that are large."""
    return np.asarray(np.sqrt(features.clip(min=0)), np.float32)


def sum_up(features: Array, labels: Labels, classes: int) -> Sums:
    """Sum up photos with features [n, channels] and labels [n]."""
    from scipy.sparse import csr_array

    channels = features.shape[1]
    counts = np.bincount(labels, minlength=classes).astype(float)
    roots, squares = np.zeros((classes, channels)), np.zeros((channels, channels))
    for start in range(0, len(features), ROWS_AT_ONCE):
        part = take_roots(features[start : start + ROWS_AT_ONCE])
        rows = labels[start : start + ROWS_AT_ONCE]
        which = csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))), (classes, len(rows)))
        roots += which @ part
        squares += part.T @ part
    return Sums(counts, roots, squares)


def fit_heads(known: Known, shrinkages: Sequence[float]) -> list[Head]:
    """Fit a head with each shrinkage to categories, of each of which a photo must be known."""
    from scipy.linalg import cho_factor, cho_solve

    spread = np.maximum(known.spread, LEAST_SPREAD * (known.spread.max() or 1.0))
    covariance = (known.sums.covariance / (spread * spread[:, None])).astype(np.float32)
    level = max(covariance.diagonal().mean(), LEAST_VARIANCE)
    means = (known.sums.means / spread).astype(np.float32)
    heads = []
    for shrinkage in shrinkages:
        shrunk = covariance + np.diag(np.full(len(spread), shrinkage * level, np.float32))
        factor = cho_factor(shrunk, overwrite_a=True, check_finite=False)
        weights = cho_solve(factor, means.T, check_finite=False).T
        biases = -(weights * means).sum(axis=1) / 2
        heads.append(Head(*((part * DEPENDENCE).astype(np.float32) for part in (weights / spread, biases))))
    return heads
