"""Many answers as arrays, and which of them are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.evaluation.shares import Mask
from app.recognition.bundle import Bundle
from app.recognition.prediction import BEST, Prediction

NONE = -1


@dataclass(frozen=True, eq=False)
class Answers:
    """Row i of every array is answer i; the row of an unreadable photo stays empty.

    `ranked` [n, BEST] class indices, best first, `NONE` for none; `confidence` [n] of the best in 0..1;
    `verdict` [n] names; `depth` [n] the number of trusted levels of the path; `score` [n] how much the
    photo looks like a known category, by `known_score`.
    """

    ranked: NDArray[np.int64]
    confidence: NDArray[np.float64]
    verdict: NDArray[np.str_]
    depth: NDArray[np.int64]
    score: NDArray[np.float64]

    @classmethod
    def empty(cls, count: int) -> Answers:
        """Make room for `count` answers."""
        return cls(
            ranked=np.full((count, BEST), NONE),
            confidence=np.zeros(count),
            verdict=np.full(count, "", "U16"),
            depth=np.zeros(count, int),
            score=np.zeros(count),
        )

    def put(self, row: int, prediction: Prediction, class_of: dict[str, int]) -> None:
        """Store an answer."""
        guesses = prediction.guesses
        self.ranked[row, : len(guesses)] = [class_of[guess.category.slug] for guess in guesses]
        self.confidence[row] = guesses[0].probability
        self.verdict[row] = prediction.verdict.value
        self.depth[row] = sum(node.trusted for node in prediction.roll_up)
        self.score[row] = prediction.known_score

    @property
    def read(self) -> Mask:
        """Which photos [n] could be read."""
        return np.asarray(self.ranked[:, 0] != NONE)

    def right(self, labels: NDArray[np.int64], best: int = 1) -> Mask:
        """Which answers [n] have the label among their first `best`."""
        return np.asarray((self.ranked[:, :best] == labels[:, None]).any(axis=1))

    def right_at_levels(self, labels: NDArray[np.int64], bundle: Bundle) -> Mask:
        """Which answers share the label's node at each level: [levels, n], the department first."""
        nodes = bundle.tree.nodes
        same = (nodes[:, self.ranked[:, 0]] == nodes[:, labels]) & self.read
        return np.logical_and.accumulate(same)  # a shorter path is right if its last node is
