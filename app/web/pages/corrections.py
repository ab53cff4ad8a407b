"""Correct an answer: choose the right category in one click, or search for it."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.corrections.store import NO_CATEGORY, correct, find_right, no_category
from app.history.entry import Entry
from app.recognition.limits import MAX_QUERY
from app.recognition.photos import shrink
from app.recognition.search import search
from app.recognition.taxonomy import Taxonomy
from app.sources.source import clean_line
from app.web.classifying import copy_side
from app.web.marks import costly, limited
from app.web.own import own_taxonomy
from app.web.pages.back import own_path
from app.web.sessions import history_owner
from app.web.site import site

bp = Blueprint("corrections", __name__, url_prefix="/classify")
MAX_FOUND = 20


@bp.get("/<entry_id>/correct")
@limited
def index(entry_id: str) -> str:
    """Show the form on its own page, with the results of the search. Touches the session."""
    entry = site().history.get(history_owner(), entry_id)
    query = request.args.get("q", "").strip()[:MAX_QUERY]
    return render_template(
        "correct.html",
        entry=entry,
        query=query,
        max_query=MAX_QUERY,
        copy_side=copy_side(),
        found=search(_taxonomy(entry), query, MAX_FOUND),
        own_categories=_taxonomy(entry).categories if entry.is_own else (),
    )


@bp.post("/<entry_id>/correct")
@costly  # a correction never expires
def save(entry_id: str) -> ResponseReturnValue:
    """Store the visitor's correction, or take it back, and go back to the page. Touches the session."""
    owner = history_owner()
    entry = site().history.get(owner, entry_id)
    right = _chosen(entry)
    agrees = right is not None and "keep_photo" in request.form and not entry.is_own
    photo = shrink(site().history.thumbnail(owner, entry_id), copy_side()) if agrees else None
    if not entry.is_own:  # nobody else can learn from a visitor's own categories
        site().corrections.add(correct(entry, right, agrees), photo)
    site().history.correct(owner, entry_id, right and {**right, "photo": agrees})
    back = own_path(request.form.get("back", ""))
    return redirect(back or url_for("answers.answer", entry_id=entry_id, _anchor="correction"), 303)


def _chosen(entry: Entry) -> dict[str, Any] | None:
    """Return what the form says is right: a category, that none is, or None to take back what was said.

    Raises UnknownCategory.
    """
    if "take_back" in request.form:
        return None
    if (kind := request.form.get("answer")) in NO_CATEGORY:
        word = clean_line(request.form.get("word", "")) if kind == "none" else ""
        return no_category(kind, word[:MAX_QUERY])
    return find_right(entry.predictions, _taxonomy(entry), request.form.get("category", ""))


def _taxonomy(entry: Entry) -> Taxonomy:
    """Return the categories that can be right for an answer."""
    return own_taxonomy() if entry.is_own else site().models.catalogue.taxonomy
