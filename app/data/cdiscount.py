"""Kaggle's Cdiscount challenge: its classes, and the products held out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.data.bson import Index
from app.errors import DataError
from app.recognition.taxonomy import Category, Taxonomy, ancestor

VAL_SHARE = 0.02  # of 7 million products: accuracy is then known to a tenth of a point
NO_CLASS = -1


@dataclass(frozen=True)
class Sampling:
    """The classes, as nodes of `level` with at least `min_images` pictures, and how many to sample of each.

    `min_images` counts the pictures that training may use; `per_category` None samples all of them.
    """

    level: int = 3
    min_images: int = 1
    per_category: int | None = None


EVERYTHING = Sampling()


def choose_classes(index: Index, leaves: Sequence[Category], sampling: Sampling) -> Taxonomy:
    """Return the nodes of a level with enough pictures to train on, in the order of their numbers.

    Raises DataError if there are fewer than two.
    """
    nodes = set(_nodes(leaves, sampling.level).values())
    every = Taxonomy(tuple(sorted(nodes, key=lambda node: node.category_id)))
    labels = label_products(index, every, leaves)
    counted = (labels != NO_CLASS) & ~is_val(index.products["id"])
    pictures = np.bincount(labels[counted], index.products["pictures"][counted], len(every))
    chosen = [node for node, n in zip(every.categories, pictures, strict=True) if n >= sampling.min_images]
    if len(chosen) < 2:
        have = f"have {sampling.min_images} pictures to train on"
        raise DataError(f"{len(chosen)} categories of level {sampling.level} {have}; training needs two.")
    return Taxonomy(tuple(chosen))


def label_products(index: Index, taxonomy: Taxonomy, leaves: Sequence[Category]) -> NDArray[np.int64]:
    """Return the class index of each product [products], `NO_CLASS` for one outside `taxonomy`.

    Finds a class by its path, because a node above the leaves has no number of its own.
    """
    class_of = {category.path: index for index, category in enumerate(taxonomy.categories)}
    level = max(map(len, class_of))
    leaves = sorted(leaves, key=lambda leaf: leaf.category_id)
    numbers = np.array([leaf.category_id for leaf in leaves])
    classes = np.array([class_of.get(leaf.path[:level], NO_CLASS) for leaf in leaves])
    wanted = index.products["category"]
    place = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    return np.where(numbers[place] == wanted, classes[place], NO_CLASS)


def is_val(products: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which products are held out for validation, by a hash of their numbers: the same in every run."""
    return hash_products(products) >= 1 - VAL_SHARE


def hash_products(products: NDArray[np.int64]) -> NDArray[np.float64]:
    """Spread product numbers evenly over 0..1 (Knuth's multiplicative hash)."""
    mixed = products.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(32)) / 2**32


def _nodes(leaves: Sequence[Category], level: int) -> dict[int | str, Category]:
    """Map each leaf's number to the node of `level` above it, which has the number of its smallest leaf."""
    first: dict[tuple[str, ...], Category] = {}
    leaves = sorted(leaves, key=lambda leaf: leaf.category_id)
    return {leaf.category_id: first.setdefault(leaf.path[:level], ancestor(leaf, level)) for leaf in leaves}
