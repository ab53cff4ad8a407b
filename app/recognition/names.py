"""What people call the nodes and categories of Cdiscount's tree, in English and French.

Cdiscount's own names are keys in French capitals. Both files belong to the code rather than to a bundle, so
that every bundle of this tree has them.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

LANGUAGES = ("en", "fr")
FOLDER = Path(__file__).parent
SEPARATOR = " > "  # of the names in a path
LEAVES = 3  # the level of the tree that has names of its own in a taxonomy


def name_path(path: Sequence[str], own_name: str, language: str) -> list[str]:
    """Return the names on the way down to a category; the last one of a leaf is `own_name`.

    A node that nodes.csv does not know keeps the name it has in the tree.
    """
    names = [NODES.get((key, language), name) for key, name in zip(_keys(path), path, strict=True)]
    return [*names[:-1], own_name] if len(path) == LEAVES else names


def words_above(path: Sequence[str]) -> list[str]:
    """Return the names of the nodes on a path in both languages, and the synonyms of these nodes."""
    nodes = _keys(path)
    names = [NODES[key, language] for key in nodes for language in LANGUAGES if (key, language) in NODES]
    return [*names, *(word for key in nodes for word in SYNONYMS.get(key, ()))]


def _keys(path: Sequence[str]) -> list[str]:
    """Return the path of each node on the way, as the files write it: "EPICERIE > CONFISERIE"."""
    return [SEPARATOR.join(path[:level]) for level in range(1, len(path) + 1)]


def _read(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _read_nodes() -> dict[tuple[str, str], str]:
    """Read the name of each node of levels 1 and 2 by its path and the language."""
    return {(row["path"], code): row[f"name_{code}"] for row in _read("nodes.csv") for code in LANGUAGES}


def _read_synonyms() -> dict[str, tuple[str, ...]]:
    """Read everyday words of both languages: for categories by the slug, for nodes by the path."""
    found: dict[str, tuple[str, ...]] = {}
    for row in _read("synonyms.csv"):
        found[row["slug"]] = (*found.get(row["slug"], ()), *row["words"].split("; "))
    return found


NODES, SYNONYMS = _read_nodes(), _read_synonyms()  # read now: too late once file handles have run out
