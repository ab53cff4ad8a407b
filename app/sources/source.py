"""The protocol of a source of random product photos, and the cleaning of texts that all of them need."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from markupsafe import Markup

from app.recognition.origin import Origin
from app.sources.fetch import MAX_URL, Deadline
from app.sources.rates import Limits

MAX_TITLE = 200  # characters
WEB = ("https://", "http://")
MAX_MARKUP = 4000  # characters; stripping tags takes quadratic time


@dataclass(frozen=True)
class Listed:
    """A photo that a source has: its address or path, and whom to credit."""

    where: str
    origin: Origin


class Loader(Protocol):
    """A place whose photos can be fetched once they are listed. Safe for threads."""

    name: str  # as in PHOTO_SOURCES
    limits: Limits  # how often it may be searched

    def load(self, listed: Listed, deadline: Deadline) -> bytes:
        """Return the untrusted bytes of a photo.

        Raises UrlUnavailable, UrlNotAllowed or Overloaded, and the faults of a photo.
        """


class Source(Loader, Protocol):
    """A place that has product photos."""

    def search(self, deadline: Deadline) -> list[Listed]:
        """List some photos, different ones each time; perhaps none.

        Raises UrlUnavailable, UrlNotAllowed or Overloaded.
        """


def clean_line(text: Any) -> str:
    """Put a text on one line, without control, bidi or surrogate characters, cut to `MAX_TITLE`.

    Anything else becomes the empty text.
    """
    if not isinstance(text, str):
        return ""
    line = " ".join(text[: 10 * MAX_TITLE].split())
    visible = (letter for letter in line if not unicodedata.category(letter).startswith("C"))
    return "".join(islice(visible, MAX_TITLE)).strip()


def strip_markup(text: Any) -> str:
    """Strip the tags from a piece of HTML and clean the rest as `clean_line` does."""
    if not isinstance(text, str):
        return ""
    whole_tags = re.sub("<[^>]*$", "", text[:MAX_MARKUP])
    # striptags returns plain text, which pages escape like any other.
    return clean_line(Markup(whole_tags).striptags())  # noqa: S704


def web_address(text: Any) -> str:
    """Return a text that can be the address of a link to the web, otherwise the empty text."""
    return text if isinstance(text, str) and len(text) <= MAX_URL and text.startswith(WEB) else ""
