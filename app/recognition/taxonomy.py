"""The category tree of a network: leaves in class order, with their names and paths."""

import csv
import hashlib
import io
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypedDict

from app.errors import DataError
from app.recognition.names import LANGUAGES, SYNONYMS, name_path, words_above
from app.recognition.words import SearchText, plain_words, search_text
from app.texts import Text, about


class CategoryJson(TypedDict):
    """A category."""

    category_id: Annotated[int | str, about(Text("The number at Cdiscount, or an id in another catalogue."))]
    slug: Annotated[str, about(Text("A short name for addresses and files."))]
    name: Annotated[str, about(Text("The English name."))]
    name_fr: Annotated[str, about(Text("The French name."))]
    path: Annotated[list[str], about(Text("The names from the department down, as in the catalogue."))]
    path_en: Annotated[list[str], about(Text("The same path in English."))]
    path_fr: Annotated[list[str], about(Text("The same path in French."))]


@dataclass(frozen=True)
class Category:
    """One class of a network: a leaf of the catalogue tree, or a node above the leaves.

    `category_id` is Cdiscount's own number of the leaf. A node of level 1 or 2, whose lower levels are "",
    has no number and takes the smallest of the leaves below it. In another catalogue it is that catalogue's
    own id, a text.
    """

    category_id: int | str
    slug: str
    level1: str
    level2: str
    level3: str
    name_en: str
    name_fr: str

    def __str__(self) -> str:
        return self.name_en

    @property
    def path(self) -> tuple[str, ...]:
        """The names from the department down; the path of a node above the leaves is shorter."""
        return tuple(name for name in (self.level1, self.level2, self.level3) if name)

    def to_json(self) -> CategoryJson:
        """Return the documented JSON object of one category."""
        return {
            "category_id": self.category_id,
            "slug": self.slug,
            "name": self.name_en,
            "name_fr": self.name_fr,
            "path": list(self.path),
            "path_en": path_in(self, "en"),
            "path_fr": path_in(self, "fr"),
        }

    @cached_property
    def paths(self) -> dict[str, list[str]]:
        """What `path_in` returns in each language: an answer asks for it again and again."""
        names = {code: name_in(self, code) for code in LANGUAGES}
        return {code: _name_path(self.category_id, self.path, name, code) for code, name in names.items()}


def name_in(category: Category | Mapping[str, Any], language: str) -> str:
    """Return the name of a category, or of its JSON object, in "en" or "fr"."""
    if isinstance(category, Category):
        return category.name_fr if language == "fr" else category.name_en
    name: str = category.get("name", "")
    return category.get("name_fr") or name if language == "fr" else name


def path_in(category: Category | Mapping[str, Any], language: str) -> list[str]:
    """Return the path of a category, or of its JSON object, in names that people read, in "en" or "fr".

    The path in another catalogue, whose ids are texts, is its own already.
    """
    if isinstance(category, Category):
        return category.paths[language]
    return _name_path(category.get("category_id"), category["path"], name_in(category, language), language)


def _name_path(category_id: object, path: Sequence[str], own_name: str, language: str) -> list[str]:
    return list(path) if isinstance(category_id, str) else name_path(path, own_name, language)


COLUMNS = tuple(field.name for field in fields(Category))
LEVELS = 3
FIRST_TAUGHT = 10**12  # ids of categories that were taught; Cdiscount's own are shorter
CATALOGUE_LEVELS = ("category_level1", "category_level2", "category_level3")


@dataclass(frozen=True)
class Taxonomy:
    """The categories a network knows; position in `categories` is the class index."""

    categories: tuple[Category, ...]

    @cached_property
    def version(self) -> str:
        """A name that changes with any id, name, path or the order: "cdiscount-<classes>-<hash>".

        It begins with "own-" where categories were taught, whose ids are no numbers of Cdiscount's.
        """
        text = repr([tuple(asdict(category).values()) for category in self.categories])
        name = "own" if any(is_taught(category) for category in self.categories) else "cdiscount"
        return f"{name}-{len(self.categories)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def __len__(self) -> int:
        return len(self.categories)

    @cached_property
    def by_id(self) -> dict[int | str, Category]:
        """Each category by its number."""
        return {category.category_id: category for category in self.categories}

    @cached_property
    def search_texts(self) -> tuple[SearchText, ...]:
        """What a search compares with each category: names, synonyms and path, each in both languages."""
        return tuple(
            search_text(
                names=(category.name_en, category.name_fr),
                synonyms=SYNONYMS.get(category.slug, ()),
                path=(*category.path, *words_above(category.path)),
            )
            for category in self.categories
        )

    @property
    def class_of(self) -> dict[str, int]:
        """Class index by slug."""
        return {category.slug: index for index, category in enumerate(self.categories)}


def read_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy from CSV with at least the columns of `Category`, in class order.

    Raises DataError naming the file and the wrong line.
    """
    return Taxonomy(_read_categories(path, COLUMNS))


def read_leaves(path: Path) -> tuple[Category, ...]:
    """Read every leaf of Cdiscount's tree from Kaggle's category_names.csv, in the order of the file.

    A leaf has its level-3 name in both languages, because the file has French names only.
    Raises DataError naming the file and the wrong line.
    """
    return _read_categories(path, ("category_id", *CATALOGUE_LEVELS))


def ancestor(leaf: Category, level: int) -> Category:
    """Return the node of `level`, 1 to 3, above a leaf (3: the leaf itself), with the leaf's number."""
    if level == 3:
        return leaf
    return _node(leaf.category_id, *leaf.path[:level])


def taught_category(path: Sequence[str]) -> Category:
    """Make a category from the names that lead to it; the same names always give the same id.

    What lies deeper than the tree's levels goes into the last name.
    """
    path = [unicodedata.normalize("NFC", name) for name in path]
    path[LEVELS - 1 :] = [" / ".join(path[LEVELS - 1 :])] if len(path) >= LEVELS else []
    digest = hashlib.sha256("\0".join(path).encode()).digest()
    return _node(FIRST_TAUGHT + int.from_bytes(digest[:8], "big") % (9 * FIRST_TAUGHT), *path)


def is_taught(category: Category) -> bool:
    """Tell whether a category is a visitor's or operator's own, and not one of Cdiscount's."""
    return isinstance(category.category_id, int) and category.category_id >= FIRST_TAUGHT


def write_taxonomy(path: Path, categories: Iterable[Category]) -> None:
    """Write categories as CSV, in the given order."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(category) for category in categories)


def read_rows(path: Path, columns: Collection[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield number and content of each line of a CSV file with at least these columns. Raises DataError.

    Takes what spreadsheets save: commas, semicolons or tabs, in UTF-8 or Windows-1252. Names that look alike
    are made equal: trimmed, and their accents composed.
    """
    text = _read_text(path)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        reader.fieldnames = [_tidy(name) for name in reader.fieldnames or ()]
        if missing := set(columns) - set(reader.fieldnames):
            raise DataError(f"{path}, line 1 lacks the columns {', '.join(sorted(missing))}.")
        for row in reader:
            if any(row.pop(None, ())):
                raise DataError(f"{path}, line {reader.line_num} has more fields than the first line.")
            yield reader.line_num, {name: value and _tidy(value) for name, value in row.items()}
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV file ({error}).") from error


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if b"\0" not in data:
        for encoding in ("utf-8-sig", "cp1252"):  # spreadsheets write a byte order mark
            with suppress(UnicodeDecodeError):
                return data.decode(encoding)
    raise DataError(f"{path} is not a CSV file in UTF-8 or Windows-1252.")


def _tidy(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _read_categories(path: Path, columns: Collection[str]) -> tuple[Category, ...]:
    categories = tuple(
        _category({name: row[name] for name in columns}, path, line) for line, row in read_rows(path, columns)
    )
    if not categories:
        raise DataError(f"{path} names no category.")
    for name in ("category_id", "slug"):
        if len({getattr(category, name) for category in categories}) < len(categories):
            raise DataError(f"{path} names a {name} twice.")
    return categories


def _category(values: dict[str, str], path: Path, line: int) -> Category:
    if None in values.values():  # how csv fills a row that ends early
        raise DataError(f"{path}, line {line}: not a category (the row ends early).")
    try:
        category_id = int(values.pop("category_id"))
    except ValueError as error:
        raise DataError(f"{path}, line {line}: not a category ({error}).") from error
    if "slug" in values:
        return Category(category_id, **values)
    return _node(category_id, *(values[name] for name in CATALOGUE_LEVELS))


def _node(category_id: int | str, *path: str) -> Category:
    """Make a category from its path. Names repeat in Cdiscount's tree, so the slug ends in the number."""
    slug = "-".join([*plain_words(path[-1]), str(category_id)])
    levels = dict(zip(("level1", "level2", "level3"), (*path, "", ""), strict=False))
    name_en, name_fr = (name_path(path, path[-1], language)[-1] for language in LANGUAGES)
    return Category(category_id, slug, **levels, name_en=name_en, name_fr=name_fr)
