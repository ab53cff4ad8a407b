"""The origin of a photo, and whom to credit for it."""

from dataclasses import dataclass
from typing import TypedDict

UPLOAD = "upload"
ADDRESS = "Web address"


class Asked(TypedDict):
    """The category that a source was asked for, as `Category.to_json` gives it."""

    category_id: int | str
    slug: str
    name: str
    name_fr: str
    path: list[str]


@dataclass(frozen=True)
class Origin:
    """The origin of a photo: an upload, an address that a visitor gave, or a source with its credit."""

    source: str = UPLOAD
    title: str = ""
    credit: str = ""
    licence: str = ""
    page_url: str = ""
    licence_url: str = ""
    asked: Asked | None = None
