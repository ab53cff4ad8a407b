"""Run the app: a photo in, four categories out, and the visitor's history."""

import hashlib
from collections.abc import Callable, Sequence

from flask import (
    Blueprint,
    flash,
    get_flashed_messages,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.errors import (
    AppError,
    HistoryUnavailable,
    NoImage,
    NotFound,
    TooManyAtOnce,
    TooManyPhotos,
    UnknownModel,
)
from app.history.duplicates import find_earlier
from app.history.entry import Entry
from app.recognition.heatmap import Heatmap, draw
from app.recognition.offers import explain_default
from app.recognition.origin import Origin
from app.recognition.photos import THUMBNAIL_SIDE, encode, shrink
from app.recognition.products import MAX_PHOTOS
from app.recognition.service import ModelService
from app.sources.address import describe, fetch_photo
from app.sources.fetch import Deadline
from app.sources.source import clean_line
from app.texts import Text
from app.web.classifying import (
    MAX_AT_ONCE,
    Answered,
    add_to_history,
    answer_data,
    answer_picture,
    classify,
    decode,
    make_entry,
    make_product_entry,
)
from app.web.error_pages import wants_json
from app.web.languages import translate
from app.web.marks import classifies, limited
from app.web.sessions import UnreachableSession, history_owner
from app.web.site import site

bp = Blueprint("classifier", __name__, url_prefix="/classify")
ROWS_PER_PAGE = 25
SEEN_PHOTOS = 50
NAME_LENGTH = 80  # characters of a file's name that are shown
ONE_PRODUCT, EACH = "one", "each"  # what several photos show: one product, or each another


@bp.get("/")
@limited
def index() -> str:
    """Show the form and the history, above it the answers `row` in brief. Touches the session."""
    ids = request.args.getlist("row")[:MAX_AT_ONCE]
    entries = site().history.entries(history_owner(), ids) if ids else []
    return _page(None, brief=[(entry, True) for entry in entries])


@bp.get("/<entry_id>")
@limited
def answer(entry_id: str) -> str:
    """Show one answer above the form and the history. Touches the session."""
    entry = site().history.get(history_owner(), entry_id)
    return _page(entry)


@bp.post("/")
@classifies
def upload() -> ResponseReturnValue:
    """Classify an uploaded photo and go to its answer, or several to theirs. Touches the session.

    A script that sends several photos one by one gets each answer as a row in JSON.
    """
    files = request.files.getlist("image")
    if not files:
        raise NoImage
    service = site().models.service(_chosen_model())
    what = _several_show()
    if len(files) == 1:
        answered = answer_data(service, files[0].read())
        return _show(make_entry(answered, Origin()), answered.picture)
    service.require_ready()  # where it cannot be had, one refusal for all
    if what == ONE_PRODUCT:
        return _answer_product(service, files)
    return _answer_each(service, files)


@bp.post("/random")
@classifies
def random_photo() -> ResponseReturnValue:
    """Classify a random product photo from the web and go to its answer. Touches the session."""
    service = _ready_network()
    found = site().random_photos.find(_fingerprints())
    answered = answer_picture(service, found.picture, found.decoding)
    return _show(make_entry(answered, found.origin), found.picture)


@bp.post("/address")
@classifies
def photo_by_address() -> ResponseReturnValue:
    """Classify the photo at a web address and go to its answer. Touches the session.

    The Enter key leads here from every field of the form: without an address it means the upload.
    """
    url = request.form.get("url", "").strip()
    if not url and request.files:
        return upload()
    service = _ready_network()
    data = fetch_photo(site().address_fetcher, url, Deadline())
    answered = answer_data(service, data)
    return _show(make_entry(answered, describe(url)), answered.picture)


@bp.get("/<entry_id>/photo")
@limited
def photo(entry_id: str) -> Response:
    """Send the thumbnail of one of the visitor's own photos. Touches the session."""
    copy = site().history.thumbnail(history_owner(), entry_id)
    return _send_photo(lambda: shrink(copy), f"{entry_id}-{THUMBNAIL_SIDE}")


@bp.get("/<entry_id>/heatmaps")
@classifies
def heatmaps(entry_id: str) -> str:
    """Show where the network looked for each category of an answer. Touches the session."""
    entry = site().history.get(history_owner(), entry_id)
    _, found = _look_again(entry)
    return render_template("heatmaps.html", entry=entry, heatmaps=found)


@bp.get("/<entry_id>/heatmaps/<int:rank>.jpg")
@classifies
def heatmap(entry_id: str, rank: int) -> Response:
    """Send the photo of an answer with the heatmap of its category number `rank`. Touches the session."""
    picture, found = _look_again(site().history.get(history_owner(), entry_id))
    if not 1 <= rank <= len(found):
        raise NotFound
    data = encode(draw(picture, found[rank - 1]))
    return _send_photo(lambda: data, hashlib.sha256(data).hexdigest())


@bp.post("/<entry_id>/delete")
@limited
def delete(entry_id: str) -> ResponseReturnValue:
    """Take one row out of the history; the page then offers to undo it. Touches the session."""
    site().history.discard(history_owner(), [entry_id])
    return redirect(url_for(".index", page=_page_number(), _anchor="history"), 303)


@bp.post("/clear")
@limited
def clear() -> ResponseReturnValue:
    """Delete the visitor's whole history. Touches the session."""
    site().history.clear(history_owner())
    return redirect(url_for(".index", _anchor="history"), 303)


def _answer_product(service: ModelService, files: Sequence[FileStorage]) -> ResponseReturnValue:
    if len(files) > MAX_PHOTOS:
        raise TooManyPhotos
    entry, first = make_product_entry([_try(service, file) for file in files], service.require_ready())
    return _show(entry, first.picture)


def _answer_each(service: ModelService, files: Sequence[FileStorage]) -> ResponseReturnValue:
    """Answer photos one after the other; those that cannot be used are named by their file."""
    if len(files) > MAX_AT_ONCE:
        raise TooManyAtOnce
    brief: list[tuple[Entry, bool]] = []
    problems = []
    for file in files:
        answered = _try(service, file)
        if isinstance(answered, AppError):
            problems.append((clean_line(file.filename)[:NAME_LENGTH], str(translate(answered.args[0]))))
            continue
        entry = make_entry(answered, Origin())
        reachable = all(kept for _, kept in brief)  # else every photo would wait for the store
        brief.append((entry, reachable and add_to_history(entry, answered.picture)))
    if isinstance(session, UnreachableSession) or not all(kept for _, kept in brief):
        return _page(None, brief=brief, problems=problems)
    get_flashed_messages()  # those that nobody came to see, else they would pile up in the session
    for problem in problems:
        flash(problem)  # type: ignore[arg-type]  # the session keeps it as a list
    ids = [entry.id for entry, _ in brief]
    return redirect(url_for(".index", row=ids, _anchor="several"), 303)


def _try(service: ModelService, file: FileStorage) -> Answered | AppError:
    try:
        return answer_data(service, file.read())
    except AppError as error:
        return error


def _show(entry: Entry, picture: Image.Image) -> ResponseReturnValue:
    """Keep an answer and go to it; where it cannot be kept, show it at once."""
    kept = add_to_history(entry, picture)
    if wants_json():
        return {"row": render_template("_brief.html", entry=entry, kept=kept)}
    if not kept:
        return _page(entry, kept=False)
    return redirect(url_for(".answer", entry_id=entry.id), 303)


def _fingerprints() -> set[str]:
    """The photos that the visitor has seen last, which a random one must not repeat."""
    try:
        return {entry.fingerprint for entry in site().history.page(history_owner(), 0, SEEN_PHOTOS)}
    except HistoryUnavailable:
        return set()


def _look_again(entry: Entry) -> tuple[Image.Image, list[Heatmap]]:
    """Compute the heatmaps of an answer from the copy that was kept: nothing else of the photo is.

    Raises NotFound when its network is gone, or knows its categories no more.
    """
    picture = decode(site().history.thumbnail(history_owner(), entry.id))
    try:
        service = site().models.service(entry.model)
    except UnknownModel as error:
        raise NotFound(Text("The network that gave this answer is no longer on this site.")) from error
    if service.require_ready().catalogue.version != entry.taxonomy_version:
        raise NotFound(Text("The network that gave this answer names other categories now."))
    explanation = classify(service, picture, service.explain)
    return picture, [explanation.heatmap(guess["category_id"]) for guess in entry.predictions]


def _send_photo(make: Callable[[], bytes], etag: str) -> Response:
    """Send a JPEG, which is made only if the browser has not the one that goes by this ETag."""
    response = Response(mimetype="image/jpeg")
    response.cache_control.private = True
    response.cache_control.no_cache = True  # what was deleted must not live on in the browser's cache
    response.set_etag(etag)
    if response.make_conditional(request).status_code != 304:
        response.data = make()
    return response


def _chosen_model() -> str:
    """Name the network this visitor wants, and remember a new choice for the next photo.

    Raises UnknownModel.
    """
    models = site().models
    if chosen := request.form.get("model"):
        models.service(chosen)
        session["model"] = chosen
    remembered = session.get("model")
    return remembered if remembered in models.names else models.default


def _ready_network() -> ModelService:
    """Return the network this visitor wants, once it is loaded, so that no photo is fetched in vain.

    Raises UnknownModel, ModelNotReady.
    """
    service = site().models.service(_chosen_model())
    service.require_ready()
    return service


def _several_show() -> str:
    """Say what this visitor's photos show when there are several, and remember a new choice."""
    if (chosen := request.form.get("product")) in {ONE_PRODUCT, EACH}:
        session["product"] = chosen
    return str(session.get("product", EACH))


def _page(
    entry: Entry | None,
    kept: bool = True,
    brief: Sequence[tuple[Entry, bool]] = (),
    problems: Sequence[tuple[str, str]] = (),
) -> str:
    """Render the page with an answer, or with several in brief, each with whether it was kept.

    `problems` are names of files and what is wrong with them.
    """
    models = site().models
    return render_template(
        "classifier.html",
        entry=entry,
        kept=kept,
        brief=brief,
        problems=problems or get_flashed_messages(),
        several_show=_several_show(),
        max_at_once=MAX_AT_ONCE,
        max_photos=MAX_PHOTOS,
        offers=models.offers,
        chosen=_chosen_model(),
        reason=explain_default(models.offers, models.default),
        by_address=site().address_fetcher is not None,
        **_history_page(entry),
    )


def _history_page(entry: Entry | None) -> dict[str, object]:
    """The history as the template wants it; an unreachable store shows as `history_down`."""
    page = _page_number()
    try:
        owner = history_owner()
        total = site().history.count(owner)
        pages = max(1, -(-total // ROWS_PER_PAGE))
        page = min(page, pages)
        entries = site().history.page(owner, (page - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE)
        discarded = site().history.last_discarded(owner)
        earlier = find_earlier(site().history.summaries(owner), {entry.id}) if entry else {}
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


def _page_number() -> int:
    return max(1, request.args.get("page", 1, type=int))
