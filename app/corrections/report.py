"""Count which categories the network mistakes for which, by the newest correction of each answer."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from app.corrections.store import Correction, newest


@dataclass(frozen=True)
class Pair:
    """How many answers named `predicted` first although `right` was right."""

    predicted: str
    right: str
    count: int


@dataclass(frozen=True)
class Report:
    """The counts of all corrections; `pairs` are the wrong answers, most frequent first."""

    answers: int
    confirmed: int
    pairs: tuple[Pair, ...]


def report(corrections: Iterable[Correction]) -> Report:
    """Count corrections, given oldest first."""
    last = newest(corrections)
    wrong = Counter(
        (correction.predictions[0]["name"], correction.right["name"] if correction.right else "")
        for correction in last
        if not correction.confirms
    )
    pairs = (Pair(*names, count) for names, count in sorted(wrong.items()))
    by_frequency = sorted(pairs, key=attrgetter("count"), reverse=True)
    return Report(len(last), len(last) - wrong.total(), tuple(by_frequency))
