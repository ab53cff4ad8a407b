"""The few words of an entry that let Python filter, search and sort a history of 10,000 rows."""

from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from typing import Annotated

import msgspec

from app.history.entry import Entry
from app.recognition.prediction import NEEDS_REVIEW
from app.recognition.taxonomy import path_in
from app.recognition.words import fold_text

MOST_HASHES = 2**64
TO_REVIEW, CONFIRMED, CORRECTED = "to_review", "confirmed", "corrected"


class Summary(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry without its photo, further guesses and credit.

    `created` is Unix time in seconds; `category` and `name` belong to the best guess; `words` is the folded
    text that a search looks through; `right` is the category that the visitor says is right.
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
        """Return the state of the review by a person; an empty text if the answer needs none."""
        if self.right:
            return CONFIRMED if self.right == self.category else CORRECTED
        return TO_REVIEW if self.verdict in NEEDS_REVIEW else ""


def summarise(entry: Entry) -> Summary:
    """Make the summary of an entry, for a store to keep with it."""
    best = entry.predictions[0]
    name = best.get("name", "")
    right = entry.correction or {}
    path = (*best["path"], *path_in(best, "en"), *path_in(best, "fr"))
    texts = (name, best.get("name_fr", ""), *path, entry.origin.title, entry.origin.source,
             right.get("name", ""), right.get("name_fr", ""), entry.file_name)  # fmt: skip
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
    """Write a summary as one line of JSON."""
    return msgspec.json.encode(summary)


def load_summaries(lines: Iterable[bytes]) -> list[Summary]:
    """Read what `dump_summary` wrote, and skip what cannot be read.

    Reads all at once, ten times as fast as one by one, unless one of them cannot be read.
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
