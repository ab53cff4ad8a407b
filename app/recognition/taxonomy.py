"""The category tree a network answers in: leaves in class order, their names and their path."""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path

from app.errors import DataError


@dataclass(frozen=True)
class Category:
    """One leaf of the catalogue tree; `category_id` is Cdiscount's own number."""

    category_id: int
    slug: str
    level1: str
    level2: str
    level3: str
    name_en: str
    name_fr: str

    @property
    def path(self) -> tuple[str, str, str]:
        return (self.level1, self.level2, self.level3)


COLUMNS = tuple(field.name for field in fields(Category))


@dataclass(frozen=True)
class Taxonomy:
    """The categories a network knows; position in `categories` is the class index."""

    categories: tuple[Category, ...]

    @cached_property
    def version(self) -> str:
        """A name that changes with any id, name, path or order: "cdiscount-<classes>-<hash>"."""
        text = repr([tuple(asdict(category).values()) for category in self.categories])
        return f"cdiscount-{len(self.categories)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def __len__(self) -> int:
        return len(self.categories)

    @property
    def class_of(self) -> dict[str, int]:
        """Class index by slug."""
        return {category.slug: index for index, category in enumerate(self.categories)}


def read_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy from CSV with at least the columns of `Category`, in class order.

    Raises DataError with the file and line that is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets put a mark at the start
            reader = csv.DictReader(file)
            if missing := set(COLUMNS) - set(reader.fieldnames or ()):
                raise DataError(f"{path} lacks the columns {', '.join(sorted(missing))}.")
            categories = tuple(_category(row, path, reader.line_num) for row in reader)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8 ({error}).") from error
    if not categories:
        raise DataError(f"{path} names no category.")
    for name in ("category_id", "slug"):
        if len({getattr(category, name) for category in categories}) < len(categories):
            raise DataError(f"{path} names a {name} twice.")
    return Taxonomy(categories)


def write_taxonomy(path: Path, categories: Iterable[Category]) -> None:
    """Write categories as CSV, in the given order."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(category) for category in categories)


def _category(row: dict[str, str], path: Path, line: int) -> Category:
    values = {name: row[name] for name in COLUMNS}
    if None in values.values():  # what csv makes of a row that ends early
        raise DataError(f"{path}, line {line}: not a category (the row ends early).")
    try:
        return Category(category_id=int(values.pop("category_id")), **values)
    except ValueError as error:
        raise DataError(f"{path}, line {line}: not a category ({error}).") from error
