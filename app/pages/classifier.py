"""Run the app: a photo in, four categories out, and the visitor's history."""

import logging
import time

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from PIL import Image
from werkzeug.wrappers import Response

from app.classifying import classifies, classify, decode
from app.errors import HistoryUnavailable, NoImage, NotFound, UnknownModel
from app.history.duplicates import find_earlier
from app.history.store import Entry, HistoryStore, Origin
from app.recognition.heatmap import Heatmap, draw
from app.recognition.models import Models
from app.recognition.offers import explain_default
from app.recognition.photos import encode, fingerprint, open_photo, perceptual_hash, thumbnail
from app.sessions import extend_session, history_owner
from app.sources.address import describe, fetch_photo
from app.sources.fetch import Deadline
from app.texts import Text

bp = Blueprint("classifier", __name__, url_prefix="/classify")
log = logging.getLogger(__name__)
ROWS_PER_PAGE = 25
SEEN_PHOTOS = 50


@bp.get("/")
def index() -> str:
    """Show the form and the history. Touches the session."""
    return _page(None)


@bp.get("/<entry_id>")
def answer(entry_id: str) -> str:
    """Show one answer above the form and the history. Touches the session."""
    entry = _store().get(history_owner(), entry_id)
    return _page(entry)


@bp.post("/")
@classifies
def upload() -> ResponseReturnValue:
    """Classify an uploaded photo and go to its answer. Touches the session."""
    file = request.files.get("image")
    if file is None:
        raise NoImage
    return _classify(decode(file.read()), Origin())


@bp.post("/random")
@classifies
def random_photo() -> ResponseReturnValue:
    """Classify a random product photo from the web and go to its answer. Touches the session."""
    found = current_app.extensions["random_photos"].find(_fingerprints())
    return _classify(found.picture, found.origin)


@bp.post("/address")
@classifies
def photo_by_address() -> ResponseReturnValue:
    """Classify the photo at a web address and go to its answer. Touches the session."""
    url = request.form.get("url", "").strip()
    data = fetch_photo(current_app.extensions["address_fetcher"], url, Deadline())
    return _classify(decode(data), describe(url))


@bp.get("/<entry_id>/photo")
def photo(entry_id: str) -> Response:
    """Send the thumbnail of one of the visitor's own photos. Touches the session."""
    return _send_photo(_store().thumbnail(history_owner(), entry_id))


@bp.get("/<entry_id>/heatmaps")
@classifies
def heatmaps(entry_id: str) -> str:
    """Show where the network looked for each category of an answer. Touches the session."""
    entry = _store().get(history_owner(), entry_id)
    _, found = _look_again(entry)
    return render_template("heatmaps.html", entry=entry, heatmaps=found)


@bp.get("/<entry_id>/heatmaps/<int:rank>.jpg")
@classifies
def heatmap(entry_id: str, rank: int) -> Response:
    """Send the photo of an answer with the heatmap of its category number `rank`. Touches the session."""
    picture, found = _look_again(_store().get(history_owner(), entry_id))
    if not 1 <= rank <= len(found):
        raise NotFound
    return _send_photo(encode(draw(picture, found[rank - 1])))


@bp.post("/<entry_id>/delete")
def delete(entry_id: str) -> ResponseReturnValue:
    """Take one row out of the history; the page then offers to undo it. Touches the session."""
    _store().discard(history_owner(), [entry_id])
    return redirect(url_for(".index", _anchor="history"), 303)


@bp.post("/clear")
def clear() -> ResponseReturnValue:
    """Delete the visitor's whole history. Touches the session."""
    _store().clear(history_owner())
    return redirect(url_for(".index", _anchor="history"), 303)


def _classify(picture: Image.Image, origin: Origin) -> ResponseReturnValue:
    service = _models().service(_chosen_model())
    started = time.perf_counter()
    prediction = classify(service, picture, service.predict)
    milliseconds = (time.perf_counter() - started) * 1000
    entry = Entry(
        **prediction.to_json(),
        model=prediction.model,
        taxonomy=prediction.taxonomy,
        origin=origin,
        milliseconds=milliseconds,
        fingerprint=fingerprint(picture),
        dhash=perceptual_hash(picture),
    )
    try:
        _store().add(history_owner(), entry, thumbnail(picture))
    except HistoryUnavailable:
        log.warning("history unavailable: an answer was shown and not kept")
        return _page(entry, kept=False)
    extend_session()  # it lives as long as its newest answer
    return redirect(url_for(".answer", entry_id=entry.id), 303)


def _fingerprints() -> set[str]:
    """The photos that the visitor has seen last, which a random one must not repeat."""
    try:
        return {entry.fingerprint for entry in _store().page(history_owner(), 0, SEEN_PHOTOS)}
    except HistoryUnavailable:
        return set()


def _look_again(entry: Entry) -> tuple[Image.Image, list[Heatmap]]:
    """Compute the heatmaps of an answer from the thumbnail that was kept: nothing else of the photo is.

    Raises NotFound when its network is gone, or knows its categories no more.
    """
    picture = open_photo(_store().thumbnail(history_owner(), entry.id))
    try:
        service = _models().service(entry.model)
    except UnknownModel as error:
        raise NotFound(Text("The network that gave this answer is no longer on this site.")) from error
    if service.bundle.catalogue.version != entry.taxonomy:
        raise NotFound(Text("The network that gave this answer names other categories now."))
    explanation = classify(service, picture, service.explain)
    return picture, [explanation.heatmap(guess["category_id"]) for guess in entry.predictions]


def _send_photo(data: bytes) -> Response:
    response = Response(data, mimetype="image/jpeg")
    response.cache_control.private = True
    response.cache_control.no_cache = True  # what was deleted must not live on in the browser's cache
    response.add_etag()
    return response.make_conditional(request)


def _chosen_model() -> str:
    """Name the network this visitor wants, and remember a new choice for the next photo.

    Raises UnknownModel.
    """
    models = _models()
    if chosen := request.form.get("model"):
        models.service(chosen)
        session["model"] = chosen
    remembered = session.get("model")
    return remembered if remembered in models.names else models.default


def _page(entry: Entry | None, kept: bool = True) -> str:
    models = _models()
    return render_template(
        "classifier.html",
        entry=entry,
        kept=kept,
        offers=models.offers,
        chosen=_chosen_model(),
        reason=explain_default(models.offers, models.default),
        by_address=current_app.extensions["address_fetcher"] is not None,
        **_history_page(entry),
    )


def _history_page(entry: Entry | None) -> dict[str, object]:
    """The history as the template wants it; an unreachable store shows as `history_down`."""
    page = max(1, request.args.get("page", 1, type=int))
    try:
        owner = history_owner()
        total = _store().count(owner)
        pages = max(1, -(-total // ROWS_PER_PAGE))
        page = min(page, pages)
        entries = _store().page(owner, (page - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE)
        discarded = _store().last_discarded(owner)
        earlier = find_earlier(_store().summaries(owner), {entry.id}) if entry else {}
    except HistoryUnavailable:
        return {"entries": [], "total": 0, "page": 1, "pages": 1, "history_down": True}
    return {
        "entries": entries,
        "total": total,
        "page": page,
        "pages": pages,
        "discarded": discarded,
        "earlier": earlier,
        "history_down": False,
    }


def _models() -> Models:
    models: Models = current_app.extensions["models"]
    return models


def _store() -> HistoryStore:
    store: HistoryStore = current_app.extensions["history"]
    return store
