"""The probabilities of the nodes above the leaves."""

import numpy as np
from numpy.typing import NDArray

from app.recognition.taxonomy import Taxonomy

ABSENT = -1


class Tree:
    """Which leaves lie below which node.

    `nodes` [levels, classes] numbers the node above each leaf at each level, root first and the leaf
    itself last, `ABSENT` where a leaf's path is shorter. Names repeat in the catalogue, so a whole path
    identifies a node.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        paths = [category.path for category in taxonomy.categories]
        self.nodes = np.full((max(map(len, paths)), len(paths)), ABSENT)
        numbers: dict[tuple[str, ...], int] = {}
        for leaf, path in enumerate(paths):
            for level in range(len(path)):
                self.nodes[level, leaf] = numbers.setdefault(path[: level + 1], len(numbers))

    def climb(self, probabilities: NDArray[np.float64], leaf: int) -> NDArray[np.float64]:
        """Sum the leaves below each node on the way from the root to `leaf`.

        Takes probabilities [classes]; returns [levels of this leaf], not increasing from the root down: the
        product of the indicator matrix of these nodes with the probabilities.
        """
        above = self.nodes[:, leaf]
        return np.asarray((self.nodes == above[:, None])[above != ABSENT] @ probabilities)
