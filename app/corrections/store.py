"""One correction, and what every store of corrections must do."""

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol, TypedDict

import msgspec

from app.errors import UnknownCategory
from app.history.entry import Entry
from app.recognition.origin import ADDRESS, Origin
from app.recognition.taxonomy import Taxonomy
from app.texts import Text

# Records and photos together: some 100,000 corrections with usual thumbnails, or 16,000 with larger photos.
MAX_BYTES = 2 * 1024**3
NO_CATEGORY = {  # what can be right besides a category: it settles the review, and nobody trains on it
    "not_a_product": ("Not a product", "Pas un produit"),
    "none": ("None of these categories", "Aucune de ces catégories"),
}
FULL = Text("Your correction could not be kept: this site has no room for more. Please tell its operator.")

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A statement that an answer is right, which category is, or that none is (see `no_category`).

    `right` is None in a correction that takes back an earlier one. Nothing in it identifies the visitor.

    `answer` is the same in all corrections of one answer, and an id that nothing else uses. The answer itself
    is as `Prediction.to_json` gives it, `right` as `Category.to_json` does. The origin says which source to
    credit for the photo; it is empty if there is no source or no photo is kept.
    """

    answer: str
    predictions: list[dict[str, Any]]
    verdict: str
    roll_up: list[dict[str, Any]]
    model: str
    taxonomy_version: str
    right: dict[str, Any] | None
    origin: Origin
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def confirms(self) -> bool:
        """Whether the visitor confirms the answer."""
        return bool(self.right and self.right["category_id"] == self.predictions[0]["category_id"])


def correct(entry: Entry, right: dict[str, Any] | None, with_photo: bool) -> Correction:
    """Make the correction of an answer in a visitor's history."""
    has_credit = with_photo and entry.origin.source != ADDRESS
    return Correction(
        answer=hashlib.sha256(entry.id.encode()).hexdigest()[:32],
        predictions=entry.predictions,
        verdict=entry.verdict,
        roll_up=entry.roll_up,
        model=entry.model,
        taxonomy_version=entry.taxonomy_version,
        right=right,
        origin=entry.origin if has_credit else Origin(),
    )


def find_right(predictions: Iterable[dict[str, Any]], taxonomy: Taxonomy, chosen: str) -> dict[str, Any]:
    """Return the category with the id `chosen`: one of those answered, or any other of the taxonomy.

    Raises UnknownCategory.
    """
    for guess in predictions:
        if str(guess["category_id"]) == chosen:
            return {name: value for name, value in guess.items() if name != "probability"}
    for category in taxonomy.categories:
        if str(category.category_id) == chosen:
            return {**category.to_json()}
    raise UnknownCategory


def no_category(kind: str, word: str = "") -> dict[str, Any]:
    """Return what stands in place of a category that is right; `word` says what the photo shows."""
    name, name_fr = NO_CATEGORY[kind]
    right = {"category_id": None, "slug": f"-{kind}", "name": name, "name_fr": name_fr}
    return right | {"word": word} if word else right


def newest(corrections: Iterable[Correction]) -> list[Correction]:
    """Return the last correction of each answer, from corrections given oldest first; none taken back."""
    last = {correction.answer: correction for correction in corrections}
    return [correction for correction in last.values() if correction.right]


def to_json(correction: Correction) -> dict[str, Any]:
    """Return a correction as the JSON object to store and export."""
    values = asdict(correction)
    values["taxonomy"] = values.pop("taxonomy_version")
    return values | {"created": correction.created.isoformat()}


def dump_correction(correction: Correction) -> str:
    """Write a correction as JSON."""
    return json.dumps(to_json(correction))


class _Category(TypedDict):
    category_id: int | str | None
    name: str


class _Record(TypedDict):
    """The fields that a correction must have; a newer release may have written more."""

    answer: str
    predictions: Annotated[list[_Category], msgspec.Meta(min_length=1)]
    verdict: str
    roll_up: list[dict[str, Any]]
    model: str
    taxonomy: str
    right: _Category | None
    origin: Origin
    created: Annotated[datetime, msgspec.Meta(tz=True)]


def load_corrections(texts: Iterable[str | bytes]) -> list[Correction]:
    """Read what `dump_correction` wrote, and skip what cannot be read."""
    found, unreadable = [], 0
    for text in texts:
        try:
            values = json.loads(text)
            record = msgspec.convert(values, _Record)
        except (ValueError, RecursionError, msgspec.DecodeError):
            unreadable += 1
            continue
        known = {each.name: values[each.name] for each in fields(Correction) if each.name in values}
        known |= {"taxonomy_version": record["taxonomy"], "origin": record["origin"]}
        found.append(Correction(**known | {"created": record["created"]}))
    if unreadable:
        log.warning("corrections that cannot be read: %d", unreadable)
    return found


class CorrectionStore(Protocol):
    """An append-only log of corrections, and the photos that visitors gave with them.

    An answer has the photo of its newest correction, or none if that came without one. Every method raises
    CorrectionsUnavailable if the store cannot be reached. Safe for threads and processes.
    """

    def add(self, correction: Correction, photo: bytes | None) -> None:
        """Append a correction, and replace the answer's earlier photo with this JPEG or with none.

        Also raises CorrectionsUnavailable if the store would grow beyond `MAX_BYTES`, but not for a
        correction that takes a photo back.
        """

    def all(self) -> list[Correction]:
        """Return every readable correction, oldest first."""

    def photo(self, answer: str) -> bytes | None:
        """Return the photo that came with the newest correction of an answer."""

    def check(self) -> None:
        """Check that corrections can be stored."""
