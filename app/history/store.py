"""What any store of the history must do."""

from collections.abc import Sequence
from typing import Any, Protocol

from app.history.entry import Discarded, Entry
from app.history.summary import Summary


class HistoryStore(Protocol):
    """Rows of many owners; an owner is the unguessable history id in a visitor's session.

    Newest is by `Entry.created`; an entry older than `KEPT_FOR` is gone for every method, a discarded
    one for every method but those that bring it back.

    Every method raises HistoryUnavailable when the store cannot be reached; those that take an
    entry's id raise NotFound when that owner has no such entry, or one that cannot be read; those that
    return several leave out what cannot be read. Safe for threads and processes.
    """

    def add(self, owner: str, entry: Entry, thumbnail: bytes) -> None:
        """Append an entry and its JPEG thumbnail, drop the owner's oldest beyond `MAX_ENTRIES`.

        Raises HistoryUnavailable also for more than `MAX_ROW_BYTES`.
        """

    def page(self, owner: str, offset: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries, newest first, after skipping `offset`."""

    def count(self, owner: str) -> int:
        """Count the owner's entries."""

    def get(self, owner: str, entry_id: str) -> Entry:
        """Return one entry."""

    def thumbnail(self, owner: str, entry_id: str) -> bytes:
        """Return the JPEG thumbnail of one entry."""

    def entries(self, owner: str, entry_ids: Sequence[str]) -> list[Entry]:
        """Return these entries, in this order; what is not there is left out."""

    def correct(self, owner: str, entry_id: str, correction: dict[str, Any]) -> None:
        """Note what the owner says is right of one entry, instead of what was noted before."""

    def summaries(self, owner: str) -> list[Summary]:
        """Return the summaries of all entries, newest first."""

    def discard(self, owner: str, entry_ids: Sequence[str]) -> None:
        """Take entries out of the history as one set; what is not there is no error."""

    def last_discarded(self, owner: str) -> Discarded | None:
        """Return the set discarded last that can be brought back still."""

    def restore(self, owner: str, discarded_id: int) -> int:
        """Bring a discarded set back and return how many entries came; none when it is too late."""

    def clear(self, owner: str) -> None:
        """Delete all entries of the owner for good, discarded ones, too."""

    def sweep(self) -> None:
        """Delete everybody's entries that have expired or can no longer be brought back."""

    def check(self) -> None:
        """Do nothing where entries can be kept."""
