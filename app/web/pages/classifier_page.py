"""The page "Run the app": answers above the form, the visitor's history below it."""

from collections.abc import Iterable, Sequence

from flask import render_template, request

from app.errors import HistoryUnavailable, TooLarge, TooManyAtOnce, UnsupportedFormat
from app.history.duplicates import find_earlier
from app.history.entry import Entry
from app.history.worklist import ROWS_PER_PAGE
from app.recognition.gate import MOST_TURNS
from app.recognition.limits import (
    MAX_AT_ONCE,
    MAX_BYTES,
    MAX_PHOTOS,
    MAX_PIXELS,
    MAX_QUERY,
    MEGABYTE,
)
from app.recognition.offers import explain_default
from app.recognition.photos import FULL_SIDE
from app.recognition.taxonomy import Category
from app.sources.fetch import MAX_URL
from app.web.choices import Choices
from app.web.classifying import copy_side
from app.web.pages.asked import agrees, read_agreement
from app.web.sessions import history_owner
from app.web.site import site

# The suffixes are for systems that do not know the types.
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", ".avif")
HEIC_TYPES = ("image/heic", "image/heif", ".heic", ".heif")
LIMITS = {  # shown by the template, and read by scripts from its data- attributes
    "max_at_once": MAX_AT_ONCE,
    "max_photos": MAX_PHOTOS,
    "max_bytes": MAX_BYTES,
    "max_pixels": MAX_PIXELS,
    "megabytes": MAX_BYTES // MEGABYTE,
    "max_url": MAX_URL,
    "max_query": MAX_QUERY,
    "in_flight": MOST_TURNS,  # photos that a script sends at a time: as many as the site decodes at once
    "short_side": 2 * FULL_SIDE,  # px of a photo that a script makes smaller; the site halves it
    "too_large": TooLarge.sentence,
    "too_many": TooManyAtOnce.sentence,
    "not_a_photo": UnsupportedFormat.sentence,
}


def render_page(
    choices: Choices,
    entry: Entry | None = None,
    kept: bool = True,
    brief: Sequence[tuple[Entry, bool]] = (),
    problems: Iterable[object] = (),
    wanted: Category | None = None,
) -> str:
    """Render the page with one answer, or with several in brief, each with whether it was kept.

    `problems` are file names, each with what is wrong with the file; `wanted` is the category of which the
    button for a random photo is to fetch one.
    """
    models = site().models
    return render_template(
        "classifier.html",
        entry=entry,
        kept=kept,
        brief=brief,
        problems=problems,
        choices=choices,
        wanted=wanted,
        agrees=entry is not None and agrees(entry),
        agreement=read_agreement(),
        copy_side=copy_side(),
        offers=models.offers,
        reason=explain_default(models.offers, models.default),
        by_address=site().address_fetcher is not None,
        media_types=",".join(MEDIA_TYPES + HEIC_TYPES if site().settings.heic else MEDIA_TYPES),
        heic=site().settings.heic,
        **LIMITS,
        **_read_history(entry),
    )


def page_number() -> int:
    """Return the page of the history that the query string asks for, counted from 1."""
    return max(1, request.args.get("page", 1, type=int))


def _read_history(entry: Entry | None) -> dict[str, object]:
    """Return the history's values for the template; `history_down` stands for an unreachable store."""
    try:
        owner = history_owner()
        total = site().history.count(owner)
        pages = max(1, -(-total // ROWS_PER_PAGE))
        page = min(page_number(), pages)
        entries = site().history.page(owner, (page - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE)
        discarded = site().history.last_discarded(owner)
        earlier = find_earlier(site().history.summaries(owner), {entry.id}) if entry else {}
    except HistoryUnavailable:
        return {"entries": [], "total": 0, "page": 1, "pages": 1, "unreadable": 0, "history_down": True}
    return {
        "entries": entries,
        "total": total,
        "page": page,
        "pages": pages,
        "unreadable": min(ROWS_PER_PAGE, total - (page - 1) * ROWS_PER_PAGE) - len(entries),
        "discarded": discarded,
        "earlier": earlier,
        "history_down": False,
    }
