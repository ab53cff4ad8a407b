"""What every store of the history must do."""

from collections.abc import Sequence
from typing import Any, Protocol

from app.history.entry import Discarded, Entry
from app.history.summary import Summary


class HistoryStore(Protocol):
    """Rows of many owners. An owner is the unguessable history id of a visitor's session.

    `Entry.created` says which entry is the newest. An entry older than `KEPT_FOR` is gone for every method; a
    discarded one is gone for every method but those that restore it.

    Every method raises HistoryUnavailable if the store cannot be reached. Methods that take an entry's id
    raise NotFound if the owner has no such entry, or if it cannot be read. Methods that return several
    entries skip those that cannot be read. Safe for threads and processes.
    """

    def add(self, owner: str, entry: Entry, *thumbnails: bytes) -> None:
        """Append an entry and its JPEG thumbnails, at least one.

        Drops the owner's oldest entries beyond `MAX_ENTRIES`. Also raises HistoryUnavailable for more than
        `MAX_ROW_BYTES`.
        """

    def page(self, owner: str, offset: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries, newest first, after skipping `offset`."""

    def count(self, owner: str) -> int:
        """Count the owner's entries."""

    def get(self, owner: str, entry_id: str) -> Entry:
        """Return one entry."""

    def thumbnail(self, owner: str, entry_id: str, place: int = 0) -> bytes:
        """Return a JPEG thumbnail of one entry, by default the first. Raises NotFound for one it lacks."""

    def entries(self, owner: str, entry_ids: Sequence[str]) -> list[Entry]:
        """Return these entries in this order, without those that do not exist."""

    def correct(self, owner: str, entry_id: str, correction: dict[str, Any] | None) -> None:
        """Replace the correction of one entry, or take it back with None."""

    def summaries(self, owner: str) -> list[Summary]:
        """Return the summaries of all entries, newest first."""

    def discard(self, owner: str, entry_ids: Sequence[str]) -> None:
        """Take entries out of the history as one set; ids without an entry are ignored."""

    def last_discarded(self, owner: str) -> Discarded | None:
        """Return the last discarded set that can still be restored, or None."""

    def restore(self, owner: str, discarded_id: int) -> int:
        """Restore a discarded set and return the number of its entries, 0 if it is too late."""

    def clear(self, owner: str) -> None:
        """Delete all entries of the owner for good, also the discarded ones."""

    def sweep(self) -> None:
        """Delete all owners' entries that have expired or can no longer be restored."""

    def check(self) -> None:
        """Check that entries can be stored."""
