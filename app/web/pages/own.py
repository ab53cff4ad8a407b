"""The page "Your categories": make categories, give photos of each, teach them, take them away."""

from io import BytesIO

from flask import (
    Blueprint,
    flash,
    get_flashed_messages,
    redirect,
    render_template,
    request,
    send_file,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.classifiers.classifier import LEAST_MEASURED, NAME_LENGTH, Classifier, Learned, OwnCategory
from app.classifiers.download import BUNDLE, dump_project, load_project, zip_photos
from app.errors import AppError, BadRequest, NoImage, TooManyAtOnce
from app.recognition.limits import MAX_AT_ONCE, MOST_CATEGORIES, MOST_TAUGHT
from app.recognition.offers import OWN
from app.texts import Text
from app.web.classifying import charge_photos
from app.web.error_pages import wants_json
from app.web.languages import translate
from app.web.marks import classifies, costly, limited
from app.web.own import TAUGHT, add_photo, learn, own_classifier, write_bundle
from app.web.pages.classifier_page import LIMITS, media_types
from app.web.pages.own_photos import send_own_photo
from app.web.sessions import extend_session, history_owner
from app.web.site import site
from app.web.template_filters import own_name
from app.web.uploads import file_name

bp = Blueprint("own", __name__, url_prefix="/classify/categories")
ZIP = "application/zip"
NOTES = "own"  # the category of messages for this page


@bp.get("")
@limited
def index() -> str:
    """Show the visitor's categories. Touches the session."""
    classifier = own_classifier()
    categories, learned = classifier.categories(), classifier.learned()
    return render_template(
        "own.html",
        categories=categories,
        photos=sum(len(category.photos) for category in categories),
        learned=learned,
        is_current=learned is not None and _taught_with(learned) == _photos_of(categories),
        figures=_figures(learned) if learned else {},
        problems=get_flashed_messages(category_filter=[NOTES]),
        own=OWN,
        media_types=media_types(),
        name_length=NAME_LENGTH,
        least_measured=LEAST_MEASURED,
        most_categories=MOST_CATEGORIES,
        most_taught=MOST_TAUGHT,
        **LIMITS,
    )


@bp.post("")
@limited
def add_category() -> ResponseReturnValue:
    """Add a category by its name. Touches the session."""
    category = own_classifier().add_category(request.form.get("name", ""))
    extend_session()
    return _back(category)


@bp.post("/<category_id>/photos")
@classifies
def add_photos(category_id: str) -> ResponseReturnValue:
    """Add photos to a category; unusable ones are named by their file. Touches the session."""
    classifier = own_classifier()
    category = classifier.category(category_id)
    files = [file for file in request.files.getlist("image") if file.filename]
    if not files:
        raise NoImage
    if len(files) > MAX_AT_ONCE:
        raise TooManyAtOnce
    classifier.check_room(len(files))
    charge_photos(files)
    site().models.service().require_ready()  # else every photo would be refused for the same reason
    for file in files:
        try:
            add_photo(classifier, category, file.read())
        except AppError as error:
            if len(files) == 1:
                raise
            flash(f"{file_name(file)}: {translate(error.args[0])}", NOTES)
    extend_session()
    return {"category": category.id} if wants_json() else _back(category)


@bp.get("/<category_id>/photos/<photo_id>")
@limited
def photo(category_id: str, photo_id: str) -> Response:
    """Send the copy of one of the visitor's photos. Touches the session."""
    copy = own_classifier().copy(category_id, photo_id)
    return send_own_photo(lambda: copy, photo_id)


@bp.post("/<category_id>/remove")
@limited
def remove(category_id: str) -> ResponseReturnValue:
    """Remove the photos that the form names, or without any the category. Touches the session."""
    classifier = own_classifier()
    category = classifier.category(category_id)
    if photo_ids := request.form.getlist("photo"):
        classifier.remove_photos(category, photo_ids)
        return _back(category)
    classifier.remove(category)
    return redirect(url_for(".index"), 303)


@bp.post("/teach")
@classifies
def teach() -> ResponseReturnValue:
    """Teach the photos. Touches the session."""
    _learn(own_classifier())
    return redirect(url_for(".index", _anchor="taught"), 303)


@bp.post("/from/<entry_id>")
@classifies
def teach_photo(entry_id: str) -> ResponseReturnValue:
    """Add the photo of a corrected answer to the category that is right, and teach it if the others are.

    Touches the session.
    """
    owner = history_owner()
    right = site().history.get(owner, entry_id).correction
    if not right or right.get("category_id") is None:
        raise BadRequest(Text("Say first which category is right."))
    classifier = own_classifier()
    category = classifier.add_category(own_name(right))
    add_photo(classifier, category, site().history.thumbnail(owner, entry_id))
    if classifier.learned():
        _learn(classifier)
    extend_session()
    flash(str(translate(Text("The photo was added to your category “%(name)s”.", name=category.name))), NOTES)
    return redirect(url_for("answers.answer", entry_id=entry_id, _anchor="correction"), 303)


@bp.get("/bundle.zip")
@classifies
def bundle() -> Response:
    """Send a bundle of the categories, taught anew. Touches the session."""
    return send_file(write_bundle(own_classifier()), ZIP, as_attachment=True, download_name=f"{BUNDLE}.zip")


@bp.get("/photos.zip")
@costly
def photos() -> Response:
    """Send the copies of all photos, in a folder for each category. Touches the session."""
    return send_file(zip_photos(own_classifier()), ZIP, as_attachment=True, download_name="photos.zip")


@bp.get("/project.json")
@costly
def project() -> Response:
    """Send all categories and photos in a file that can be loaded again. Touches the session."""
    response = Response(dump_project(own_classifier()), mimetype="application/json")
    response.headers.set("Content-Disposition", "attachment", filename="categories.json")
    return response


@bp.post("/project")
@classifies
def load() -> ResponseReturnValue:
    """Add the categories and photos of a project file to those that are there. Touches the session."""
    found = load_project(b"".join(file.read() for file in request.files.getlist("project")))
    classifier, count = own_classifier(), sum(len(one.photos) for one in found.categories)
    classifier.check_room(count)
    files = [FileStorage(BytesIO(data)) for one in found.categories for data in one.photos]
    charge_photos(files)
    site().models.service().require_ready()
    for one in found.categories:
        category = classifier.add_category(one.name)
        for data in one.photos:
            add_photo(classifier, category, data)
    extend_session()
    return redirect(url_for(".index"), 303)


@bp.post("/clear")
@limited
def clear() -> ResponseReturnValue:
    """Delete all categories with their photos and what was taught. Touches the session."""
    own_classifier().clear()
    session.pop(TAUGHT, None)
    return redirect(url_for(".index"), 303)


def _learn(classifier: Classifier) -> None:
    learn(classifier)
    session[TAUGHT] = True


def _back(category: OwnCategory) -> Response:
    return redirect(url_for(".index", _anchor=f"category-{category.id}"), 303)


def _photos_of(categories: list[OwnCategory]) -> dict[str, int]:
    return {category.name: len(category.photos) for category in categories if category.photos}


def _taught_with(learned: Learned) -> dict[str, int]:
    categories = learned.taxonomy.categories
    return {one.level1: photos for one, (photos, _, _) in zip(categories, learned.figures, strict=True)}


def _figures(learned: Learned) -> dict[str, tuple[int, int]]:
    """Return how many photos were measured and right, by category, once that says anything."""
    if not learned.is_measured:
        return {}
    return {
        category.level1: (measured, right)
        for category, (photos, measured, right) in zip(
            learned.taxonomy.categories, learned.figures, strict=True
        )
        if photos >= LEAST_MEASURED
    }
