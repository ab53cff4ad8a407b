"""What a folder holds: photos, and what is passed over."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

JPEG_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jif", ".jfif"}
HEIC_SUFFIXES = {".heic", ".heif", ".hif"}
SUFFIXES = {*JPEG_SUFFIXES, ".png", ".webp", ".gif", ".avif", *HEIC_SUFFIXES}  # in lower case
# Kept beside photos by Windows, macOS and network storage; other systems hide what begins with a dot.
HIDDEN = {
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "system volume information",
    "__macosx",
    "@eadir",
    "#recycle",
}


@dataclass(frozen=True)
class Listing:
    """The photos of folders in order, and how many other files there are of each kind."""

    photos: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def remark(self) -> str:
        """Return a sentence about what was passed over, "" if nothing was."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.others.items()))
        return f"Passed over: {kinds}." if kinds else ""


def photo_files(folder: Path, deep: bool = False) -> Listing:
    """List the photos of a folder, and if `deep` of the folders in it; raises OSError.

    Hidden files and folders, and the companions that systems put beside photos, count as if not there.
    """
    listing = Listing()
    for path in _files(folder, deep):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            listing.photos.append(path)
        else:
            listing.others[_kind_of(path)] += 1
    listing.photos.sort()
    return listing


def join(listings: Iterable[Listing]) -> Listing:
    """Join listings in their order."""
    whole = Listing()
    for listing in listings:
        whole.photos.extend(listing.photos)
        whole.others.update(listing.others)
    return whole


def is_hidden(name: str) -> bool:
    """Tell whether a person who looks into a folder does not see what has this name."""
    return name.startswith(".") or name.lower() in HIDDEN


def _files(folder: Path, deep: bool) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_stop):
        folders[:] = [name for name in folders if deep and not is_hidden(name)]
        yield from (Path(place, name) for name in names if not is_hidden(name))


def _kind_of(path: Path) -> str:
    if not path.is_file():
        return "that cannot be opened as files"
    return path.suffix.lower() or "without a suffix"


def _stop(error: OSError) -> None:
    raise error
