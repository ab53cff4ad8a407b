"""Where the network looked in the photo of an answer."""

import hashlib

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from app.history.entry import Entry
from app.recognition.heatmap import Heatmap, draw_sheet
from app.recognition.photos import encode
from app.web.classifying import classify
from app.web.marks import classifies
from app.web.pages.own_photos import network_of, read_copies, send_own_photo
from app.web.sessions import history_owner
from app.web.site import site

bp = Blueprint("heatmaps", __name__, url_prefix="/classify")


@bp.get("/<entry_id>/heatmaps")
@classifies
def index(entry_id: str) -> str:
    """Show where the network looked for each category of an answer. Touches the session."""
    entry = site().history.get(history_owner(), entry_id)
    found, drawn = _look_again(entry)
    site().heatmaps.put(entry.id, drawn)  # the browser asks for them right away
    return render_template("heatmaps.html", entry=entry, heatmaps=found)


@bp.get("/<entry_id>/heatmaps.jpg")
@classifies
def picture(entry_id: str) -> Response:
    """Send one JPEG: an answer's heatmaps over its photo, one below the other. Touches the session."""
    entry = site().history.get(history_owner(), entry_id)
    drawn = site().heatmaps.get(entry.id) or _look_again(entry)[1]  # another process may have made the page
    return send_own_photo(lambda: drawn, hashlib.sha256(drawn).hexdigest())


def _look_again(entry: Entry) -> tuple[list[Heatmap], bytes]:
    """Compute the heatmaps of an answer, and draw them as one JPEG over the history's copy of the photo.

    Raises NotFound if its network is gone or no longer knows its categories.
    """
    [photo, *_] = read_copies(entry)
    service = network_of(entry)
    explanation = classify(service, photo, service.explain)
    found = [explanation.heatmap(guess["category_id"]) for guess in entry.predictions]
    return found, encode(draw_sheet(photo, found))
