"""Filter, search, sort and count a history by its summaries, in the same way for every store."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from app.history.summary import Summary
from app.recognition.words import fold_text

ROWS_PER_PAGE = 25
FILTERS = ("verdict", "review", "category", "source")
SORTS: dict[str, tuple[Callable[[Summary], Any], bool]] = {  # the key, and whether the greatest comes first
    "newest": (attrgetter("created"), True),
    "oldest": (attrgetter("created"), False),
    "least_sure": (attrgetter("probability"), False),
    "surest": (attrgetter("probability"), True),
    "category": (attrgetter("words"), False),  # these begin with the folded name
}


@dataclass(frozen=True)
class Query:
    """Which rows to show, in which order. An empty filter takes all rows; every word of `text` must occur."""

    verdict: str = ""
    review: str = ""
    category: str = ""
    source: str = ""
    text: str = ""
    sort: str = "newest"

    def arguments(self, **changes: str) -> dict[str, Any]:
        """Return the arguments of the query string for this query with `changes`."""
        return {name: value for name, value in asdict(replace(self, **changes)).items() if value}


@dataclass(frozen=True)
class Worklist:
    """The summaries of all rows that a query finds, in order.

    `counts` has, for each filter, how many rows each of its values would find while the other filters stay as
    they are; `total` counts the whole history.
    """

    found: list[Summary]
    counts: dict[str, Counter[str]]
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.found) // ROWS_PER_PAGE))

    def page(self, number: int) -> list[Summary]:
        """Return the rows of a page, counted from 1."""
        return self.found[(number - 1) * ROWS_PER_PAGE : number * ROWS_PER_PAGE]


def search(
    summaries: list[Summary], query: Query, source_names: Mapping[str, str] = MappingProxyType({})
) -> Worklist:
    """Find the rows of `query` among the summaries of a history.

    `source_names` are translated names of some sources, in which the text is searched, too.
    """
    rows = _containing(summaries, fold_text(query.text).split(), source_names)
    filters = {name: value for name in FILTERS if (value := getattr(query, name))}
    counts = {}
    for name in FILTERS:
        others = {other: value for other, value in filters.items() if other != name}
        counts[name] = Counter(map(attrgetter(name), _matching(rows, others)))
    key, reverse = SORTS[query.sort]
    return Worklist(sorted(_matching(rows, filters), key=key, reverse=reverse), counts, len(summaries))


def _containing(rows: list[Summary], words: Iterable[str], source_names: Mapping[str, str]) -> list[Summary]:
    for word in words:
        sources = {source for source, name in source_names.items() if word in fold_text(name)}
        rows = [row for row in rows if word in row.words or row.source in sources]
    return rows


def _matching(rows: list[Summary], filters: Mapping[str, str]) -> list[Summary]:
    for name, value in filters.items():
        get = attrgetter(name)
        rows = [row for row in rows if get(row) == value]
    return rows
