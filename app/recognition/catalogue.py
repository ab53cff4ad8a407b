"""The categories that answers name: the network's own, or those of another catalogue it is mapped to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.recognition.mapping import TaxonomyMap
from app.recognition.taxonomy import Taxonomy
from app.recognition.tree import Tree


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The categories that the classes of a network are answered as.

    `place` [classes] is the position in `taxonomy` of the category that each class counts for; several may
    share one. `version` names the network's own taxonomy, and the mapping if there is one.
    """

    taxonomy: Taxonomy
    place: NDArray[np.int64]
    version: str

    @cached_property
    def tree(self) -> Tree:
        """The tree above the categories."""
        return Tree(self.taxonomy)

    def sum_up(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn probabilities [classes] into those of the categories; the sum stays the same."""
        return np.bincount(self.place, probabilities, len(self.taxonomy)).astype(np.float64, copy=False)

    def members(self, category_id: int | str) -> NDArray[np.int64]:
        """Return the classes that count for a category. Raises KeyError for an unknown one."""
        category = self.taxonomy.by_id[category_id]
        return np.flatnonzero(self.place == self.taxonomy.categories.index(category))


def open_catalogue(taxonomy: Taxonomy, mapping: TaxonomyMap | None) -> Catalogue:
    """Return the catalogue of `mapping`, which has a line for each category, or the network's own."""
    if mapping is None:
        return Catalogue(taxonomy, np.arange(len(taxonomy)), taxonomy.version)
    targets = [mapping.targets[category.category_id] for category in taxonomy.categories]
    known = {target.category_id: number for number, target in enumerate(dict.fromkeys(targets))}
    place = np.array([known[target.category_id] for target in targets])
    text = repr((targets, place.tolist()))
    version = f"{mapping.name}-{len(known)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return Catalogue(Taxonomy(tuple(dict.fromkeys(targets))), place, f"{taxonomy.version}+{version}")
