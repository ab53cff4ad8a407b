"""Photos with categories of one's own: from a tree of folders or from a table."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from app.errors import DataError
from app.recognition.folders import photo_files
from app.recognition.taxonomy import Category, Taxonomy, read_rows, taught_category
from app.recognition.words import fold_text

REQUIRED = ("path", "category")
PRODUCT = "product"
STEP = ">"  # between the levels of a category in a table


@dataclass(frozen=True)
class Example:
    """A photo that shows a category. Photos with the same `product` show one product; "" says nothing."""

    path: Path
    category: Category
    product: str = ""


class Names:
    """Finds categories by their names: those of `known` first, else new ones."""

    def __init__(self, known: Taxonomy | None = None) -> None:
        self._known: dict[str, Category | None] = {}
        for category in known.categories if known else ():
            names = {category.slug, category.name_en, category.name_fr, f" {STEP} ".join(category.path)}
            for name in {fold_text(name) for name in names}:
                self._known[name] = None if name in self._known else category  # None: several have it

    def find(self, path: Sequence[str]) -> Category:
        """Return the category that these names lead to, from the top of the tree down."""
        known = self._known.get(fold_text(path[0])) if len(path) == 1 else None
        return known or self._known.get(fold_text(f" {STEP} ".join(path))) or taught_category(path)


def read_tree(folder: Path, names: Names) -> list[Example]:
    """List the photos at any depth of a folder; the folders on the way to a photo name its category.

    Raises DataError if no folder in it has a photo.
    """
    found = [
        Example(path, names.find(steps))
        for path in photo_files(folder, deep=True).photos
        if (steps := path.relative_to(folder).parts[:-1])
    ]
    if not found:
        raise DataError(f"{folder} has no photo in a folder that names its category.")
    return found


def read_table(table: Path, folder: Path, names: Names) -> list[Example]:
    """List the photos of a CSV file with the columns `REQUIRED`, whose paths start in `folder`.

    A ">" in a category parts the levels of the tree. Without a column `PRODUCT`, photos in one folder show
    one product if their category's photos lie in several folders.
    Raises DataError naming the file and the wrong line.
    """
    found, named = [], False
    for line, row in read_rows(table, REQUIRED):
        path = PureWindowsPath(row["path"] or "").as_posix()  # which may have been listed on Windows
        steps = [step.strip() for step in (row["category"] or "").split(STEP)]
        if not row["path"] or not all(steps):
            raise DataError(f"{table}, line {line}: the path or the category is empty.")
        named |= PRODUCT in row
        found.append(Example(_on_disk(folder, path), names.find(steps), row.get(PRODUCT) or ""))
    if not found:
        raise DataError(f"{table} names no photo.")
    return found if named else _by_folder(found)


def order_categories(examples: Iterable[Example], kept: Taxonomy | None) -> Taxonomy:
    """Return the categories that are kept, and behind them the new ones in the order of their names.

    Raises DataError if there is only one: nothing to tell apart.
    """
    old = kept.categories if kept else ()
    new = {example.category for example in examples} - set(old)
    taxonomy = Taxonomy((*old, *sorted(new, key=lambda category: category.path)))
    if len(taxonomy) < 2:
        raise DataError("Teaching takes photos of two categories or more.")
    return taxonomy


def _on_disk(folder: Path, path: str) -> Path:
    """Return the path of a file, whose accents a Mac may have taken apart; those of a table are composed."""
    apart = folder / unicodedata.normalize("NFD", path)
    return apart if apart.exists() else folder / path


def _by_folder(examples: list[Example]) -> list[Example]:
    folders = defaultdict(set)
    for one in examples:
        folders[one.category].add(one.path.parent)
    return [
        Example(one.path, one.category, str(one.path.parent) if len(folders[one.category]) > 1 else "")
        for one in examples
    ]
