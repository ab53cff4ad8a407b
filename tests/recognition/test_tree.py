"""Sums of probabilities along the category tree."""

import time
from timeit import repeat

import numpy as np
import pytest

from app.recognition.taxonomy import Category, Taxonomy
from app.recognition.tree import Tree


def tree(*paths: str) -> Tree:
    categories = [Category(n, f"slug-{n}", *path.split(), "x", "x") for n, path in enumerate(paths)]
    return Tree(Taxonomy(tuple(categories)))


def test_a_node_has_the_probability_of_all_leaves_below_it() -> None:
    sums = tree("A B C", "A B D", "A E F", "G H I").climb(np.array([0.1, 0.2, 0.3, 0.4]), 1)
    assert sums == pytest.approx([0.6, 0.3, 0.2])


def test_nodes_of_the_same_name_in_different_places_are_different() -> None:
    sums = tree("A B C", "D B C").climb(np.array([0.7, 0.3]), 0)
    assert sums == pytest.approx([0.7, 0.7, 0.7])


def test_climbing_a_tree_as_large_as_cdiscounts_looks_at_no_leaf_in_python() -> None:
    large = tree(*(f"A{n % 49} B{n % 483} C{n}" for n in range(5270)))
    probabilities = np.full(5270, 1 / 5270)
    leaves = probabilities.tolist()
    climbing, looking = (
        min(repeat(act, number=20, repeat=20, timer=time.thread_time))
        for act in (lambda: large.climb(probabilities, 0), lambda: sum(leaf for leaf in leaves))
    )
    assert climbing < looking
