"""What a source of random product photos must do, and what all of them need for their answers."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from markupsafe import Markup

from app.recognition.origin import Origin
from app.sources.fetch import MAX_URL, Deadline

MAX_TITLE = 200  # characters
WEB = ("https://", "http://")
MAX_MARKUP = 4000  # characters; to strip tags takes time that grows with the square


@dataclass(frozen=True)
class Listed:
    """A photo that a source has: where (its address or path), and whom to thank for it."""

    where: str
    origin: Origin


class Source(Protocol):
    """A place that has product photos. Safe for threads.

    Both methods raise UrlUnavailable, UrlNotAllowed or Overloaded, `load` also what is wrong with a photo.
    """

    name: str  # as in PHOTO_SOURCES

    def search(self, deadline: Deadline) -> list[Listed]:
        """List some photos, others each time; perhaps none."""

    def load(self, listed: Listed, deadline: Deadline) -> bytes:
        """Return the untrusted bytes of a photo that `search` has listed."""


def clean_line(text: Any) -> str:
    """Put a text on one line, without control, bidi or surrogate characters, cut to `MAX_TITLE`.

    Anything but a text becomes the empty one.
    """
    if not isinstance(text, str):
        return ""
    line = " ".join(text[: 10 * MAX_TITLE].split())
    visible = (letter for letter in line if not unicodedata.category(letter).startswith("C"))
    return "".join(islice(visible, MAX_TITLE)).strip()


def strip_markup(text: Any) -> str:
    """Take the tags out of a piece of HTML and clean what is left as `clean_line` does."""
    if not isinstance(text, str):
        return ""
    whole_tags = re.sub("<[^>]*$", "", text[:MAX_MARKUP])
    # What striptags returns is plain text, escaped like any other where it is shown.
    return clean_line(Markup(whole_tags).striptags())  # noqa: S704


def web_address(text: Any) -> str:
    """Return a text that can stand in a link to the web, else the empty one."""
    return text if isinstance(text, str) and len(text) <= MAX_URL and text.startswith(WEB) else ""
