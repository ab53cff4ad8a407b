"""Ask again about a photo of the history: another network, or the same one without a photo."""

from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.errors import NotFound
from app.history.entry import Entry
from app.recognition.origin import Origin
from app.recognition.products import answer_product
from app.recognition.service import ModelService
from app.web.choices import read_choices
from app.web.classifying import Answered, answer_picture, make_entry, make_product_entry
from app.web.marks import classifies
from app.web.pages.classifier_page import keep_and_show
from app.web.pages.own_photos import network_of, read_copies
from app.web.sessions import history_owner
from app.web.site import site

bp = Blueprint("again", __name__, url_prefix="/classify")


@bp.get("/<entry_id>/beside/<model>")
@classifies
def beside(entry_id: str, model: str) -> str:
    """Show an answer beside that of another network; nothing is kept of it. Touches the session."""
    entry = site().history.get(history_owner(), entry_id)
    service = site().models.service(model)
    return render_template("beside.html", entry=entry, answers=[entry, _answer(service, entry)])


@bp.post("/<entry_id>/without/<int:number>")
@classifies
def without(entry_id: str, number: int) -> ResponseReturnValue:
    """Answer for a product again without one of its photos, which count from 1. Touches the session."""
    entry = site().history.get(history_owner(), entry_id)
    rest = [photo for one, photo in enumerate(entry.photos, 1) if one != number and _has_copy(photo)]
    if not rest or number not in range(1, len(entry.photos) + 1):
        raise NotFound
    service = network_of(entry)
    pictures = read_copies(entry, *(photo["place"] for photo in rest))
    answers = [answer_picture(service, picture, 0) for picture in pictures]
    names = [photo["file_name"] for photo in rest]
    if len(answers) == 1:
        return keep_and_show(read_choices(), make_entry(answers[0], Origin(), *names), *pictures)
    again, _ = make_product_entry(answers, service.require_ready(), names)
    return keep_and_show(read_choices(), again, *pictures)


def _answer(service: ModelService, entry: Entry) -> Entry:
    """Answer for all photos of a row, from the copies that the history keeps."""
    bundle = service.require_ready()
    places = [photo["place"] for photo in entry.photos if _has_copy(photo)]
    pictures = read_copies(entry, *places)
    own = [answer_picture(service, picture, 0).prediction for picture in pictures]
    product = answer_product(own, bundle)
    return make_entry(Answered(pictures[0], product.prediction, 0), entry.origin)


def _has_copy(photo: dict[str, Any]) -> bool:
    """Tell whether the history has a copy of a product's photo: not of an unreadable one, nor release 0.2."""
    return photo.get("place") is not None
