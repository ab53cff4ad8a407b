"""Correct an answer: choose the right category in one click, or search for it."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.corrections.store import correct, find_right
from app.recognition.limits import MAX_QUERY
from app.recognition.photos import shrink
from app.recognition.search import search
from app.web.classifying import copy_side
from app.web.marks import costly, limited
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
        found=search(site().models.catalogue.taxonomy, query, MAX_FOUND),
    )


@bp.post("/<entry_id>/correct")
@costly  # a correction never expires
def save(entry_id: str) -> ResponseReturnValue:
    """Store the visitor's correction and go back to the answer. Touches the session."""
    owner = history_owner()
    entry = site().history.get(owner, entry_id)
    chosen = request.form.get("category", "")
    right = find_right(entry.predictions, site().models.catalogue.taxonomy, chosen)
    agrees = "keep_photo" in request.form
    photo = shrink(site().history.thumbnail(owner, entry_id), copy_side()) if agrees else None
    site().corrections.add(correct(entry, right, agrees), photo)
    site().history.correct(owner, entry_id, {**right, "photo": agrees})
    return redirect(url_for("answers.answer", entry_id=entry_id, _anchor="correction"), 303)
