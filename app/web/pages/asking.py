"""The page "Run the app": the form, and photos by upload, at random from the web, or by address."""

from collections.abc import Sequence

from flask import Blueprint, flash, get_flashed_messages, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from app.errors import AppError, HistoryUnavailable, NoImage, NotFound, TooManyAtOnce, TooManyPhotos
from app.history.entry import Entry
from app.recognition.limits import MAX_AT_ONCE, MAX_PHOTOS
from app.recognition.offers import OWN
from app.recognition.origin import Origin
from app.recognition.service import Service
from app.sources.address import complete, describe
from app.sources.fetch import Deadline
from app.web.choices import ONE_PRODUCT, Choices, read_choices, remember_choices
from app.web.classifying import (
    Answered,
    add_to_history,
    answer_data,
    answer_picture,
    charge_photos,
    fetch,
    make_entry,
    make_product_entry,
)
from app.web.examples import EXAMPLES
from app.web.languages import translate
from app.web.marks import classifies, limited
from app.web.own import choose_service
from app.web.pages.asked import count_agreement, find_photo, with_asked
from app.web.pages.classifier_page import keep_and_show, render_page
from app.web.sessions import UnreachableSession, history_owner
from app.web.site import site
from app.web.uploads import file_name

bp = Blueprint("asking", __name__, url_prefix="/classify")
SEEN_PHOTOS = 50  # of the history that a random photo must not repeat


@bp.get("/")
@limited
def index() -> str:
    """Show the form and the history, with the answers `row` in brief above them. Touches the session.

    With the number of a `category` the button fetches a random photo of it.
    """
    ids = request.args.getlist("row")[:MAX_AT_ONCE]
    entries = site().history.entries(history_owner(), ids) if ids else []
    brief = [(entry, True) for entry in entries]
    category_id = request.args.get("category", type=int)
    wanted = site().models.taxonomy.by_id.get(category_id) if category_id else None
    return render_page(read_choices(), brief=brief, problems=get_flashed_messages(), wanted=wanted)


@bp.post("/")
@classifies
def upload() -> ResponseReturnValue:
    """Classify one or more uploaded photos and go to the answers. Touches the session.

    A script that sends several photos one by one gets each row of the list in JSON.
    """
    files = request.files.getlist("image")
    if not files:
        raise NoImage
    choices = remember_choices()
    service = choose_service(choices.model)
    if len(files) == 1:
        charge_photos(files)
        answered = answer_data(service, files[0].read())
        return keep_and_show(choices, make_entry(answered, Origin(), file_name(files[0])), answered.picture)
    service.require_ready()  # else every photo would be refused for the same reason
    if choices.product == ONE_PRODUCT:
        return _answer_product(choices, service, files)
    return _answer_each(choices, service, files)


@bp.post("/random")
@classifies
def random_photo() -> ResponseReturnValue:
    """Classify a random product photo from the web and go to the answer. Touches the session.

    The field `category` asks for a photo of one category; otherwise the site draws one.
    """
    choices = remember_choices()
    service = _ready_network(choices)
    is_own = choices.model == OWN  # whose categories no source knows
    bundle = site().models.service("" if is_own else choices.model).require_ready()
    found = find_photo(bundle, request.form.get("category", ""), _fingerprints())
    answered = answer_picture(service, found.picture, found.decoding)
    entry = make_entry(answered, found.origin if is_own else with_asked(found, bundle))
    count_agreement(entry)
    return keep_and_show(choices, entry, found.picture)


@bp.post("/example/<name>")
@classifies
def example(name: str) -> ResponseReturnValue:
    """Classify an example that the site brings along and go to the answer. Touches the session."""
    if name not in EXAMPLES:
        raise NotFound
    choices = remember_choices()
    service = _ready_network(choices)
    answers = [answer_data(service, photo) for photo in EXAMPLES[name].read()]
    if len(answers) == 1:
        entry = make_entry(answers[0], Origin(), EXAMPLES[name].files[0])
        return keep_and_show(choices, entry, answers[0].picture)
    entry, pictures = make_product_entry(answers, service.require_ready(), EXAMPLES[name].files)
    return keep_and_show(choices, entry, *pictures)


@bp.post("/address")
@classifies
def photo_by_address() -> ResponseReturnValue:
    """Classify the photo at a web address and go to the answer. Touches the session.

    The Enter key leads here from every field of the form; without an address, it means the upload.
    """
    url = complete(request.form.get("url", "").strip())
    if not url and request.files:
        return upload()
    choices = remember_choices()
    service = _ready_network(choices)
    answered = answer_data(service, fetch(url, Deadline()))
    return keep_and_show(choices, make_entry(answered, describe(url)), answered.picture)


def _answer_product(choices: Choices, service: Service, files: Sequence[FileStorage]) -> ResponseReturnValue:
    if len(files) > MAX_PHOTOS:
        raise TooManyPhotos
    charge_photos(files)
    answers = [_try(service, file) for file in files]
    entry, pictures = make_product_entry(answers, service.require_ready(), list(map(file_name, files)))
    return keep_and_show(choices, entry, *pictures)


def _answer_each(choices: Choices, service: Service, files: Sequence[FileStorage]) -> ResponseReturnValue:
    """Answer photos one after the other; name unusable ones by their file."""
    if len(files) > MAX_AT_ONCE:
        raise TooManyAtOnce
    charge_photos(files)
    brief: list[tuple[Entry, bool]] = []
    problems = []
    for file in files:
        answered = _try(service, file)
        if isinstance(answered, AppError):
            problems.append((file_name(file), str(translate(answered.args[0]))))
            continue
        entry = make_entry(answered, Origin(), file_name(file))
        reachable = all(kept for _, kept in brief)  # do not let every photo wait for the store
        brief.append((entry, reachable and add_to_history(entry, answered.picture)))
    if not all(kept for _, kept in brief) or (problems and not _session_keeps()):
        return render_page(choices, brief=brief, problems=problems)
    return _go_to_list([entry.id for entry, _ in brief], problems)


def _go_to_list(ids: list[str], problems: Sequence[tuple[str, str]]) -> ResponseReturnValue:
    """Go to the list of several answers; it has an address, so that a reload classifies nothing."""
    get_flashed_messages()  # drop messages that nobody saw: they would pile up in the session
    for problem in problems:
        flash(problem)  # type: ignore[arg-type]  # the session keeps it as a list
    return redirect(url_for(".index", row=ids, _anchor="several"), 303)


def _session_keeps() -> bool:
    """Return whether the session will reach the next page."""
    return not isinstance(session, UnreachableSession) and "sessions" not in site().dependencies.missing()


def _try(service: Service, file: FileStorage) -> Answered | AppError:
    try:
        return answer_data(service, file.read())
    except AppError as error:
        return error


def _ready_network(choices: Choices) -> Service:
    """Wait for the chosen network, so that no photo is fetched in vain. Raises ModelNotReady."""
    service = choose_service(choices.model)
    service.require_ready()
    return service


def _fingerprints() -> set[str]:
    """Return the fingerprints of the last photos, which a random photo must not repeat."""
    try:
        return {entry.fingerprint for entry in site().history.page(history_owner(), 0, SEEN_PHOTOS)}
    except HistoryUnavailable:
        return set()
