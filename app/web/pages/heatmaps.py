"""Where the network looked in the photo of an answer."""

import hashlib

from flask import Blueprint, render_template
from PIL import Image
from werkzeug.wrappers import Response

from app.errors import NotFound, UnknownModel
from app.history.entry import Entry
from app.recognition.heatmap import Heatmap, draw
from app.recognition.photos import encode
from app.texts import Text
from app.web.classifying import classify, decode
from app.web.marks import classifies
from app.web.pages.own_photos import send_own_photo
from app.web.sessions import history_owner
from app.web.site import site

bp = Blueprint("heatmaps", __name__, url_prefix="/classify")


@bp.get("/<entry_id>/heatmaps")
@classifies
def index(entry_id: str) -> str:
    """Show where the network looked for each category of an answer. Touches the session."""
    entry = site().history.get(history_owner(), entry_id)
    _, found = _look_again(entry)
    return render_template("heatmaps.html", entry=entry, heatmaps=found)


@bp.get("/<entry_id>/heatmaps/<int:rank>.jpg")
@classifies
def picture(entry_id: str, rank: int) -> Response:
    """Send the photo of an answer with the heatmap of its category number `rank`. Touches the session."""
    photo, found = _look_again(site().history.get(history_owner(), entry_id))
    if not 1 <= rank <= len(found):
        raise NotFound
    data = encode(draw(photo, found[rank - 1]))
    return send_own_photo(lambda: data, hashlib.sha256(data).hexdigest())


def _look_again(entry: Entry) -> tuple[Image.Image, list[Heatmap]]:
    """Compute the heatmaps of an answer from the copy that was kept: nothing else of the photo is.

    Raises NotFound when its network is gone, or knows its categories no more.
    """
    photo = decode(site().history.thumbnail(history_owner(), entry.id))
    try:
        service = site().models.service(entry.model)
    except UnknownModel as error:
        raise NotFound(Text("The network that gave this answer is no longer on this site.")) from error
    if service.require_ready().catalogue.version != entry.taxonomy_version:
        raise NotFound(Text("The network that gave this answer names other categories now."))
    explanation = classify(service, photo, service.explain)
    return photo, [explanation.heatmap(guess["category_id"]) for guess in entry.predictions]
