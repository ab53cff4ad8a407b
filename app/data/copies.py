"""Exact copies among the pictures of a file, found by their MD5."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PART_BITS = 4


@dataclass(frozen=True)
class Copies:
    """How many pictures are exact copies of others.

    `distinct` counts the different pictures, `in_other_products` and `in_other_categories` those with a
    copy in another product, or in another category.
    """

    pictures: int
    distinct: int
    in_other_products: int
    in_other_categories: int

    def __str__(self) -> str:
        return (
            f"{self.pictures:,} pictures, {self.distinct:,} of them distinct; "
            f"{self.in_other_products:,} have an exact copy in another product, "
            f"{self.in_other_categories:,} in another category"
        )


def find_copies(products: NDArray[Any], pictures: NDArray[Any]) -> Copies:
    """Count exact duplicates in the tables of an index, see `app.data.bson.Index`.

    Copies share the first bits of their MD5, so the pictures are compared in parts, which bounds memory.
    """
    part_of = (pictures["md5"][:, 0] >> np.uint64(64 - PART_BITS)).astype(np.uint8)
    product_of = np.repeat(np.arange(len(products), dtype=np.int32), products["pictures"])
    found = np.zeros(3, int)
    for part in range(2**PART_BITS):
        rows = np.flatnonzero(part_of == part)
        if len(rows):
            found += _find_in_part(products[product_of[rows]], pictures["md5"][rows])
    return Copies(len(pictures), *found.tolist())


def has_copy(digests: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which of the pictures with these MD5s [n, 2] have an exact copy among `others` [m, 2].

    Compares half an MD5: among ten million different pictures two share one by chance in 1 of 300,000 files.
    """
    return np.isin(digests[:, 0], others[:, 0])


def _find_in_part(products: NDArray[Any], digests: NDArray[np.uint64]) -> tuple[int, int, int]:
    """Count as `Copies` does; row i of `products` is the product of picture i."""
    order = np.lexsort(digests.T)
    digests, products = digests[order], products[order]
    starts = np.append(0, np.flatnonzero((digests[1:] != digests[:-1]).any(axis=1)) + 1)
    sizes = np.diff(np.append(starts, len(digests)))

    def in_several(values: NDArray[np.int64]) -> int:
        differ = np.minimum.reduceat(values, starts) != np.maximum.reduceat(values, starts)
        return int(sizes[differ].sum())

    return len(starts), in_several(products["id"]), in_several(products["category"])
