"""The file that maps a network's categories to another catalogue.

It is read with the settings, before processes fork, so this module imports nothing that starts threads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from app.errors import DataError
from app.recognition.taxonomy import Category, Taxonomy, read_rows
from app.recognition.words import plain_words

REQUIRED = ("category_id", "id", "name_en", "name_fr")
LEVELS = ("level1", "level2", "level3")


@dataclass(frozen=True, eq=False)
class TaxonomyMap:
    """The category of the catalogue `name` that each category, by its number, is answered as."""

    name: str
    targets: Mapping[int | str, Category]
    lines: Mapping[int | str, int]
    path: Path

    def check(self, taxonomies: Iterable[Taxonomy]) -> None:
        """Raise DataError unless every category of `taxonomies` has a line and every line a category."""
        known = {
            category.category_id: category for taxonomy in taxonomies for category in taxonomy.categories
        }
        for category_id, line in self.lines.items():
            if known and category_id not in known:
                raise DataError(f"{self.path}, line {line}: no network knows the category {category_id}.")
        for category_id, category in known.items():
            if category_id not in self.targets:
                raise DataError(
                    f"{self.path} has no line for the category {category_id} ({category.name_en}), "
                    f"{len(known.keys() - self.targets.keys())} missing in all."
                )


def read_map(path: Path) -> TaxonomyMap:
    """Read a CSV file with the columns `REQUIRED`, and `LEVELS` where the other catalogue is a tree.

    Several categories may share one id and its names. Raises DataError naming the file and the wrong line.
    """
    targets: dict[int | str, Category] = {}
    lines: dict[int | str, int] = {}
    first: dict[str, tuple[Category, int]] = {}
    for line, row in read_rows(path, REQUIRED):
        place = f"{path}, line {line}"
        category_id, target = _read_row(row, place)
        if category_id in lines:
            raise DataError(
                f"{place}: the category {category_id} already stands in line {lines[category_id]}."
            )
        known, earlier = first.setdefault(str(target.category_id), (target, line))
        if known != target:
            raise DataError(f"{place}: {target.category_id} has another name or path in line {earlier}.")
        targets[category_id], lines[category_id] = target, line
    if not targets:
        raise DataError(f"{path} has no line below its first.")
    return TaxonomyMap("-".join(plain_words(path.stem)) or "map", targets, lines, path)


def _read_row(row: dict[str, str], place: str) -> tuple[int, Category]:
    values = {name: (row.get(name) or "").strip() for name in (*REQUIRED, *LEVELS)}
    for name in REQUIRED:
        if not values[name]:
            raise DataError(f"{place}: {name} is empty.")
    if not (values["category_id"].isascii() and values["category_id"].isdigit()):
        raise DataError(f"{place}: {values['category_id']!r} is not the number of a category.")
    if any(values[low] and not values[high] for high, low in pairwise(LEVELS)):
        raise DataError(f"{place}: a level is given without the one above it.")
    slug = "-".join([*plain_words(values["name_en"]), *plain_words(values["id"])])
    levels = {name: values[name] for name in LEVELS} | {"level1": values["level1"] or values["name_en"]}
    target = Category(values["id"], slug, **levels, name_en=values["name_en"], name_fr=values["name_fr"])
    return int(values["category_id"]), target
