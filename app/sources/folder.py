"""The operator's own photos in a folder on this machine: the source that needs no network."""

import logging
import secrets
from pathlib import Path

from app.errors import UrlUnavailable
from app.recognition.folders import photo_files
from app.recognition.limits import MAX_BYTES
from app.recognition.origin import Origin
from app.settings import FOLDER
from app.sources.fetch import Deadline
from app.sources.rates import USUAL
from app.sources.source import Listed, clean_line
from app.texts import printable

MAX_LISTED = 1000

log = logging.getLogger(__name__)


class Folder:
    """A Source: the photos in the folder `path`, without its subfolders."""

    name = FOLDER
    limits = USUAL

    def __init__(self, path: Path) -> None:
        self._path = path

    def search(self, deadline: Deadline) -> list[Listed]:  # noqa: ARG002  (a folder is quick)
        try:
            listing = photo_files(self._path)
        except OSError as error:
            raise UrlUnavailable from error
        if remark := listing.remark():
            log.info("PHOTO_FOLDER: %s", printable(remark))
        photos = listing.photos
        some = secrets.SystemRandom().sample(photos, min(MAX_LISTED, len(photos)))
        return [Listed(str(path), Origin("This site's own photos", clean_line(path.stem))) for path in some]

    def load(self, listed: Listed, deadline: Deadline) -> bytes:  # noqa: ARG002
        try:
            with Path(listed.where).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise UrlUnavailable from error
