"""The operator's own photos in a folder on this machine: the source that needs no network."""

import secrets
from pathlib import Path

from app.errors import UrlUnavailable
from app.recognition.limits import MAX_BYTES
from app.recognition.origin import Origin
from app.recognition.photos import SUFFIXES
from app.settings import FOLDER
from app.sources.fetch import Deadline
from app.sources.rates import USUAL
from app.sources.source import Listed, clean_line

MAX_LISTED = 1000


class Folder:
    """A Source: the photos in the folder `path`, without its subfolders."""

    name = FOLDER
    limits = USUAL

    def __init__(self, path: Path) -> None:
        self._path = path

    def search(self, deadline: Deadline) -> list[Listed]:  # noqa: ARG002  (a folder is quick)
        try:
            photos = [path for path in self._path.iterdir() if path.suffix.lower() in SUFFIXES]
        except OSError as error:
            raise UrlUnavailable from error
        some = secrets.SystemRandom().sample(photos, min(MAX_LISTED, len(photos)))
        return [Listed(str(path), Origin("This site's own photos", clean_line(path.stem))) for path in some]

    def load(self, listed: Listed, deadline: Deadline) -> bytes:  # noqa: ARG002
        try:
            with Path(listed.where).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise UrlUnavailable from error
