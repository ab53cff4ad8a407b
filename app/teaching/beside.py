"""Put a taught head beside one that was trained, so that the categories of both compete."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.teaching.head import Array, Head, Known, Labels, fit_heads

CAUTION = (
    0.9  # of the scale at which new categories would win as often as they lose: the old are known better
)


@dataclass(frozen=True, eq=False)
class Beside:
    """The head of a base for the first of the categories, and what is `known` of them without new photos."""

    old: Head
    known: Known

    def join(self, head: Head, shrinkage: float, features: Array, labels: Labels) -> Head:
        """Join the old head with one fitted to all categories, by the photos that were taught.

        The logits of an old category stay what they are, unless photos of it were taught: then what these
        changed in the discriminant is added. A new category is compared with the mean of the old ones by the
        discriminant, which is brought to the scale of the old head.
        """
        count = len(self.old.biases)
        [before] = fit_heads(self.known, [shrinkage])
        scale = CAUTION * _lead(self.old.logits(features)) / _lead(head.logits(features)[:, :count])
        taught = np.isin(np.arange(count), labels)[:, None]
        weights = self.old.weights + scale * taught * (head.weights[:count] - before.weights)
        biases = self.old.biases + scale * taught[:, 0] * (head.biases[:count] - before.biases)
        linear = np.zeros_like(weights) if self.old.linear is None else self.old.linear

        def stack(old: Array, all_: Array, ours: Array) -> Array:
            new = scale * (all_[count:] - all_[:count].mean(axis=0)) + ours.mean(axis=0)
            return np.concatenate([old, new]).astype(np.float32)

        return Head(
            stack(weights, head.weights, self.old.weights),
            stack(biases, head.biases, self.old.biases),
            stack(linear, np.zeros_like(head.weights), linear),
        )


def _lead(logits: Array) -> float:
    """Return by how much the best category leads the mean, over all photos."""
    return float((logits.max(axis=1) - logits.mean(axis=1)).mean())
