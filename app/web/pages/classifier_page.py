"""The page "Run the app": the form beside the answer, and the visitor's last photos below them."""

from collections.abc import Iterable, Sequence

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from PIL import Image

from app.errors import HistoryUnavailable, TooLarge, TooManyAtOnce, UnsupportedFormat
from app.history.duplicates import find_earlier
from app.history.entry import Entry
from app.history.summary import TO_REVIEW
from app.recognition.gate import MOST_TURNS
from app.recognition.limits import (
    MAX_AT_ONCE,
    MAX_BYTES,
    MAX_PHOTOS,
    MAX_PIXELS,
    MAX_QUERY,
    MEGABYTE,
)
from app.recognition.offers import OWN, explain_default
from app.recognition.photos import FULL_SIDE
from app.recognition.taxonomy import Category
from app.sources.fetch import MAX_URL
from app.web.choices import Choices
from app.web.classifying import add_to_history, copy_side
from app.web.error_pages import wants_json
from app.web.examples import EXAMPLES
from app.web.own import has_taught, own_taxonomy
from app.web.pages.api_calls import write_calls
from app.web.pages.asked import agrees, read_agreement
from app.web.sessions import history_owner
from app.web.site import site

RECENT = 10  # photos that the page shows
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
        media_types=media_types(),
        own=OWN if has_taught() else "",
        own_categories=own_taxonomy().categories if entry and entry.is_own else (),
        heic=site().settings.heic,
        examples=EXAMPLES,
        calls=write_calls(entry) if entry and not entry.is_own else {},
        **LIMITS,
        **_read_history(entry),
    )


def media_types() -> str:
    """Return what kinds of files a field for photos accepts."""
    return ",".join(MEDIA_TYPES + HEIC_TYPES if site().settings.heic else MEDIA_TYPES)


def keep_and_show(choices: Choices, entry: Entry, *pictures: Image.Image) -> ResponseReturnValue:
    """Add an answer to the history and go to it; show it at once if it cannot be kept."""
    kept = add_to_history(entry, *pictures)
    if wants_json():
        return {"row": render_template("_brief.html", entry=entry, kept=kept)}
    if not kept:
        return render_page(choices, entry, kept=False)
    return redirect(url_for("answers.answer", entry_id=entry.id), 303)


def _read_history(entry: Entry | None) -> dict[str, object]:
    """Return the history's values for the template; `history_down` stands for an unreachable store."""
    try:
        owner, history = history_owner(), site().history
        summaries = history.summaries(owner) if entry else []
        found = {
            "recent": history.page(owner, 0, RECENT),
            "history_count": history.count(owner),
            "discarded": history.last_discarded(owner),
        }
    except HistoryUnavailable:
        return {"history_down": True}
    to_review = [one.id for one in summaries if one.review == TO_REVIEW and entry and one.id != entry.id]
    earlier = find_earlier(summaries, {entry.id}) if entry else {}
    return {**found, "to_review": to_review, "earlier": earlier, "history_down": False}
