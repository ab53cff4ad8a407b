"""Correct an answer: choose the right category in one click, or search the tree for it."""

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.corrections.store import CorrectionStore, correct
from app.errors import UnknownCategory
from app.history.entry import Entry
from app.history.store import HistoryStore
from app.recognition.photos import shrink
from app.recognition.search import search
from app.recognition.taxonomy import Taxonomy
from app.web.classifying import kept_side
from app.web.rate_limits import costly
from app.web.sessions import history_owner

bp = Blueprint("corrections", __name__, url_prefix="/classify")
MAX_FOUND = 20


@bp.app_context_processor
def add_kept_side() -> dict[str, int]:
    """Let the form that goes with an answer say how large a photo is kept."""
    return {"kept_side": kept_side()}


@bp.get("/<entry_id>/correct")
def index(entry_id: str) -> str:
    """Show the form on a page of its own, with what the search found. Touches the session."""
    entry = _history().get(history_owner(), entry_id)
    query = request.args.get("q", "").strip()
    return render_template(
        "correct.html", entry=entry, query=query, found=search(_taxonomy(), query, MAX_FOUND)
    )


@bp.post("/<entry_id>/correct")
@costly  # what is kept here is kept for good
def save(entry_id: str) -> ResponseReturnValue:
    """Keep what the visitor says is right, and go back to the answer. Touches the session."""
    owner = history_owner()
    entry = _history().get(owner, entry_id)
    right = _chosen(entry)
    agrees = "keep_photo" in request.form
    photo = shrink(_history().thumbnail(owner, entry_id), kept_side()) if agrees else None
    _corrections().add(correct(entry, right, agrees), photo)
    _history().correct(owner, entry_id, {**right, "photo": agrees})
    return redirect(url_for("classifier.answer", entry_id=entry_id, _anchor="correction"), 303)


def _chosen(entry: Entry) -> dict[str, Any]:
    """Return the category that the form names: one of the answer's own, or any that there is.

    Raises UnknownCategory.
    """
    chosen = request.form.get("category", "")
    for guess in entry.predictions:
        if str(guess["category_id"]) == chosen:
            return {name: value for name, value in guess.items() if name != "probability"}
    for category in _taxonomy().categories:
        if str(category.category_id) == chosen:
            return category.to_json()
    raise UnknownCategory


def _taxonomy() -> Taxonomy:
    taxonomy: Taxonomy = current_app.extensions["models"].catalogue.taxonomy
    return taxonomy


def _corrections() -> CorrectionStore:
    store: CorrectionStore = current_app.extensions["corrections"]
    return store


def _history() -> HistoryStore:
    store: HistoryStore = current_app.extensions["history"]
    return store
