"""What every store of taught classifiers must do: it keeps small named files of many owners."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from app.history.entry import KEPT_FOR as KEPT_FOR
from app.recognition.limits import MOST_CATEGORIES, MOST_TAUGHT

MOST_FILES = MOST_CATEGORIES + 2 * MOST_TAUGHT + 1  # a photo has a copy and features; and there is the head
# A usual photo takes 13 kB, of which 5 are features, so that a full classifier has some 26 MB.
MOST_OWNERS = 10_000  # the one not changed for longest makes room
MAX_BYTES = 10 * 1024**3  # in SQLite; Redis has a limit of its own


class ClassifierStore(Protocol):
    """Files of many owners. An owner is the history id of a visitor's session, or the id of a classifier.

    All files of an owner are gone `KEPT_FOR` after the last of them was put. Every method raises
    ClassifiersUnavailable if the store cannot be reached. Safe for threads and processes.
    """

    def names(self, owner: str) -> list[str]:
        """Return the names of the owner's files, sorted."""

    def get(self, owner: str, names: Sequence[str]) -> dict[str, bytes]:
        """Return those of these files that exist, by name."""

    def put(self, owner: str, files: Mapping[str, bytes]) -> None:
        """Keep files, in place of those with the same names.

        Owners beyond `MOST_OWNERS` are dropped. Raises ClassifierFull beyond `MOST_FILES`.
        """

    def delete(self, owner: str, names: Sequence[str]) -> None:
        """Delete files; names without a file are ignored."""

    def clear(self, owner: str) -> None:
        """Delete all files of the owner."""

    def sweep(self) -> None:
        """Delete what has expired of all owners."""

    def check(self) -> None:
        """Check that files can be kept."""


def oldest_kept() -> float:
    """Return the Unix time in seconds before which an owner has expired."""
    return (datetime.now(UTC) - KEPT_FOR).timestamp()
