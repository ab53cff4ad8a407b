"""What a source of random product photos gives."""

from dataclasses import dataclass
from typing import Protocol

from app.history.store import Origin


@dataclass(frozen=True)
class FoundPhoto:
    """A photo from the web: its untrusted bytes and where it came from."""

    data: bytes
    origin: Origin


class Source(Protocol):
    """A place on the web that has product photos."""

    def random_photo(self) -> FoundPhoto:
        """Fetch one photo. Raises SourceUnavailable when none could be had in time."""
