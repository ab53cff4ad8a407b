"""The few words of an entry by which a history of 10,000 rows is filtered, searched and sorted in Python."""

from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from typing import Annotated

import msgspec

from app.history.entry import Entry
from app.recognition.prediction import NEEDS_REVIEW
from app.recognition.words import fold_text

MOST_HASHES = 2**64
TO_REVIEW, CONFIRMED, CORRECTED = "to_review", "confirmed", "corrected"


class Summary(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry without its photo, its further guesses and its credit.

    `created` is Unix time in seconds; `category` and `name` are those of the best guess; `words` is
    what a search looks through, folded. `right` is the category that the visitor says is right.
    """

    id: str
    created: float
    verdict: str
    category: str
    name: str
    probability: float
    source: str
    words: str
    fingerprint: str
    dhash: Annotated[int, msgspec.Meta(ge=0)]
    right: str = ""

    @property
    def review(self) -> str:
        """Say whether a person has seen to the answer; nothing when nobody needs to."""
        if self.right:
            return CONFIRMED if self.right == self.category else CORRECTED
        return TO_REVIEW if self.verdict in NEEDS_REVIEW else ""


def summarise(entry: Entry) -> Summary:
    """Make the summary of an entry, for a store to keep beside it."""
    best = entry.predictions[0]
    name = best.get("name", "")
    right = entry.correction or {}
    texts = (name, best.get("name_fr", ""), *best["path"], entry.origin.title, entry.origin.source,
             right.get("name", ""), right.get("name_fr", ""))  # fmt: skip
    return Summary(
        id=entry.id,
        created=entry.created.timestamp(),
        verdict=entry.verdict,
        category=best.get("slug", ""),
        name=name,
        probability=best["probability"],
        source=entry.origin.source,
        words=fold_text(" ".join(texts)),
        fingerprint=entry.fingerprint,
        dhash=int(entry.dhash, 16),
        right=right.get("slug", ""),
    )


def dump_summary(summary: Summary) -> bytes:
    """Write a summary as a line of JSON."""
    return msgspec.json.encode(summary)


def load_summaries(lines: Iterable[bytes]) -> list[Summary]:
    """Read what `dump_summary` wrote, and leave out what cannot be read.

    All at once, which is ten times as fast as one by one, unless one of them cannot be read.
    """
    lines = list(lines)
    try:
        summaries = _all.decode(b"[" + b",".join(lines) + b"]")
    except msgspec.DecodeError:
        summaries = list(chain.from_iterable(map(_load_summary, lines)))
    return [summary for summary in summaries if summary.dhash < MOST_HASHES]


def _load_summary(line: bytes) -> list[Summary]:
    with suppress(msgspec.DecodeError):
        return [_one.decode(line)]
    return []


_all, _one = msgspec.json.Decoder(list[Summary]), msgspec.json.Decoder(Summary)
