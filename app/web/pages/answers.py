"""The answers of a visitor: show one with its photo, delete one, or delete all."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.recognition.photos import THUMBNAIL_SIDE, shrink
from app.web.choices import read_choices
from app.web.marks import limited
from app.web.pages.classifier_page import render_page
from app.web.pages.own_photos import send_own_photo
from app.web.sessions import history_owner
from app.web.site import site

bp = Blueprint("answers", __name__, url_prefix="/classify")


@bp.get("/<entry_id>")
@limited
def answer(entry_id: str) -> str:
    """Show one answer beside the form. Touches the session."""
    entry = site().history.get(history_owner(), entry_id)
    return render_page(read_choices(), entry)


@bp.get("/<entry_id>/photo")
@bp.get("/<entry_id>/photo/<int:place>")
@limited
def photo(entry_id: str, place: int = 0) -> Response:
    """Send the thumbnail of one of the visitor's photos. Touches the session."""
    copy = site().history.thumbnail(history_owner(), entry_id, place)
    return send_own_photo(lambda: shrink(copy), f"{entry_id}-{place}-{THUMBNAIL_SIDE}")


@bp.post("/<entry_id>/delete")
@limited
def delete(entry_id: str) -> ResponseReturnValue:
    """Delete one row of the history; the page then offers to undo that. Touches the session."""
    site().history.discard(history_owner(), [entry_id])
    return redirect(url_for("asking.index", _anchor="undo"), 303)


@bp.post("/clear")
@limited
def clear() -> ResponseReturnValue:
    """Delete the visitor's whole history. Touches the session."""
    site().history.clear(history_owner())
    return redirect(url_for("history.index"), 303)
