"""Random photos of a category: what was asked for, and how often the network agrees."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import cast

from flask import session

from app.errors import SourceUnavailable, UnknownCategory
from app.history.entry import Entry
from app.recognition.bundle import Bundle
from app.recognition.origin import Asked, Origin
from app.recognition.taxonomy import Category
from app.sources.pool import FoundPhoto, Wish
from app.texts import Text
from app.web.site import site

AGREED, ASKED = "agreed", "asked"  # counters in the session


@dataclass(frozen=True)
class Agreement:
    """How many random photos of a session were `asked` for by a category, and how often it `agreed`."""

    agreed: int
    asked: int


def find_photo(bundle: Bundle, category_id: str, seen: Collection[str]) -> FoundPhoto:
    """Find a random photo, of one category of a network if its number is given.

    Raises UnknownCategory for any other number, and SourceUnavailable.
    """
    categories = bundle.taxonomy.categories
    if not category_id:
        return site().random_photos.find(seen, Wish(categories))
    wanted = [category for category in categories if str(category.category_id) == category_id]
    if not wanted:
        raise UnknownCategory
    try:
        return site().random_photos.find(seen, Wish(wanted, exact=True))
    except SourceUnavailable as error:
        raise SourceUnavailable(_no_photo_of(wanted[0])) from error


def with_asked(found: FoundPhoto, bundle: Bundle) -> Origin:
    """Return the origin of a photo with what was asked for, in the catalogue that answers use."""
    if found.asked is None:
        return found.origin
    catalogue = bundle.catalogue
    place = catalogue.place[bundle.taxonomy.categories.index(found.asked)]
    asked = catalogue.taxonomy.categories[place].to_json()
    return replace(found.origin, asked=cast(Asked, asked))


def agrees(entry: Entry) -> bool:
    """Tell whether the network names first what was asked for."""
    asked = entry.origin.asked
    return asked is not None and entry.predictions[0].get("category_id") == asked["category_id"]


def count_agreement(entry: Entry) -> None:
    """Count in the session whether the network agrees with what was asked for, if anything was."""
    if entry.origin.asked:
        session[ASKED] = session.get(ASKED, 0) + 1
        session[AGREED] = session.get(AGREED, 0) + agrees(entry)


def read_agreement() -> Agreement:
    """Return the running score of this session."""
    return Agreement(session.get(AGREED, 0), session.get(ASKED, 0))


def _no_photo_of(category: Category) -> Text:
    return Text(
        "No photo of “%(category)s” could be fetched from the web right now. Try again later, or upload one.",
        category=category,
    )
