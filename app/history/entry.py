"""What the history keeps of one classification."""

import json
import logging
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec

from app.errors import HistoryUnavailable, NotFound
from app.recognition.offers import OWN
from app.recognition.origin import Origin
from app.recognition.prediction import NEEDS_REVIEW
from app.texts import Text

KEPT_FOR = timedelta(days=31)
UNDO_FOR = timedelta(minutes=10)  # how long discarded entries can be restored
MAX_ENTRIES = 10_000  # for each session; the oldest beyond them are dropped
# A usual photo's thumbnail has 12 kB, one of pure noise 83 kB: a full history takes 120 MB, at most 1 GB.
# With RETAIN_PHOTOS a photo has 50 to 125 kB, one of pure noise 850 kB: 1 GB, at most 9 GB.
MAX_ROW_BYTES = 1_000_000

log = logging.getLogger(__name__)


class UnreadableRow(NotFound):
    """A row that is damaged, or lacks something that pages show."""

    sentence = Text("This answer cannot be read: it is damaged, or a newer version of this site wrote it.")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the history: the answer (as `Prediction.to_json` gives it) and its circumstances.

    `fingerprint` and `dhash`, a perceptual hash, belong to the photo, as does `file_name`, which only its
    visitor sees. For a product with several photos,
    `photos` has the answer to each alone, as `ProductAnswer.own_to_json` gives it, its `file_name`, and the
    `place` of its copy among the row's thumbnails. `correction` is what the
    visitor says is right: a category, or one of `NO_CATEGORY`, and under "photo" whether a copy of the photo
    came with it.
    """

    predictions: list[dict[str, Any]]
    model: str
    taxonomy_version: str
    origin: Origin
    milliseconds: float
    verdict: str
    roll_up: list[dict[str, Any]]
    fingerprint: str
    dhash: str
    file_name: str = ""
    photos: list[dict[str, Any]] = field(default_factory=list)
    correction: dict[str, Any] | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def needs_review(self) -> bool:
        """Whether the answer is doubtful and not yet confirmed or corrected."""
        return self.correction is None and self.verdict in NEEDS_REVIEW

    @property
    def is_own(self) -> bool:
        """Whether the answer is in categories that the visitor has taught."""
        return self.model == OWN


@dataclass(frozen=True)
class Discarded:
    """Entries that were discarded together and can be restored for a while."""

    id: int
    count: int

    @property
    def until(self) -> datetime:
        return datetime.fromtimestamp(self.id / 1_000_000, UTC) + UNDO_FOR


def to_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as the JSON object to store and export."""
    values = asdict(entry)
    values["taxonomy"] = values.pop("taxonomy_version")
    return values | {"created": entry.created.isoformat(), "needs_review": entry.needs_review}


def dump_entry(entry: Entry, *thumbnails: bytes) -> str:
    """Write an entry as JSON, for a store to keep with its thumbnails.

    Raises HistoryUnavailable if they take more than `MAX_ROW_BYTES` together.
    """
    text = json.dumps(to_json(entry))
    if len(text) + sum(map(len, thumbnails)) > MAX_ROW_BYTES:  # json.dumps writes ASCII
        raise HistoryUnavailable(Text("This answer is too large for the history."))
    return text


class _Guess(TypedDict):
    path: list[str]
    probability: float
    slug: NotRequired[str]
    name: NotRequired[str]
    name_fr: NotRequired[str]


class _Step(TypedDict):
    name: str
    probability: float
    trusted: bool


class _Row(TypedDict):
    """The fields that a row must have; a newer release may have written more."""

    predictions: Annotated[list[_Guess], msgspec.Meta(min_length=1)]
    model: str
    taxonomy: str
    origin: Origin
    milliseconds: float
    verdict: str
    roll_up: list[_Step]
    fingerprint: str
    dhash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{1,16}$")]
    file_name: NotRequired[str]
    photos: NotRequired[list[dict[str, Any]]]
    correction: NotRequired[dict[str, Any] | None]
    id: str
    created: Annotated[datetime, msgspec.Meta(tz=True)]


def load_entry(text: str | bytes) -> Entry:
    """Read what `dump_entry` wrote, ignoring fields of a newer release. Raises UnreadableRow."""
    try:
        values = json.loads(text)
        row = msgspec.convert(values, _Row)
    except (ValueError, RecursionError, msgspec.DecodeError) as error:
        raise UnreadableRow from error
    known = {each.name: values[each.name] for each in fields(Entry) if each.name in values}
    known |= {"taxonomy_version": row["taxonomy"], "origin": row["origin"], "created": row["created"]}
    return Entry(**known)


def load_entries(texts: Iterable[str | bytes]) -> list[Entry]:
    """Read rows as `load_entry` does, and skip those that cannot be read."""
    entries, unreadable = [], 0
    for text in texts:
        try:
            entries.append(load_entry(text))
        except UnreadableRow:
            unreadable += 1
    if unreadable:
        log.warning("rows of the history that cannot be read: %d", unreadable)
    return entries


def oldest_kept() -> float:
    """Return the Unix time in seconds before which an entry has expired."""
    return (datetime.now(UTC) - KEPT_FOR).timestamp()


def discard_now() -> int:
    """Return the id of a set of entries discarded now: the Unix time in microseconds."""
    return time.time_ns() // 1000


def oldest_discarded() -> int:
    """Return the id below which a discarded set is gone for good."""
    return discard_now() - UNDO_FOR // timedelta(microseconds=1)
