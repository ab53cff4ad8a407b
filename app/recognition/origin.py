"""Where a photo came from, and whom to credit for it."""

from dataclasses import dataclass

UPLOAD = "upload"
ADDRESS = "Web address"


@dataclass(frozen=True)
class Origin:
    """Where a photo came from: an upload, the address a visitor gave, or a source with its credit."""

    source: str = UPLOAD
    title: str = ""
    credit: str = ""
    licence: str = ""
    page_url: str = ""
    licence_url: str = ""
