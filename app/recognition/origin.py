"""The origin of a photo, and whom to credit for it."""

from dataclasses import dataclass

UPLOAD = "upload"
ADDRESS = "Web address"


@dataclass(frozen=True)
class Origin:
    """The origin of a photo: an upload, an address that a visitor gave, or a source with its credit."""

    source: str = UPLOAD
    title: str = ""
    credit: str = ""
    licence: str = ""
    page_url: str = ""
    licence_url: str = ""
