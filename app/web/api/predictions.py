"""POST /api/v1/predictions: classify photos."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from PIL import Image
from werkzeug.datastructures import FileStorage

from app.errors import AppError, TooManyAtOnce, TooManyPhotos
from app.recognition.heatmap import Explanation
from app.recognition.limits import MAX_AT_ONCE, MAX_PHOTOS
from app.recognition.prediction import NO_ANSWER, Prediction
from app.recognition.products import answer_product
from app.recognition.service import ModelService
from app.sources.fetch import Deadline
from app.texts import Text
from app.web.api.bodies import MAX_ADDRESSES, Wanted, read_wanted
from app.web.classifying import charge_photos, classify, decode, fetch
from app.web.marks import classifies
from app.web.site import site

Answer = Prediction | Explanation | AppError
Ask = Callable[[Image.Image], Prediction | Explanation]
bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.post("/predictions")
@classifies
def predictions() -> ResponseReturnValue:
    """Classify photos, one result for each, in order.

    All addresses together have the time of one click. Among several photos, an unusable one carries its own
    error. A single unusable photo is the error of the request, and so is the first photo of a product of
    which none can be used.
    """
    wanted = read_wanted()
    options, photos = wanted.options, wanted.photos
    service = site().models.service(options.model)
    bundle = service.require_ready()
    one_product = options.product == "one"
    _check_count(wanted, one_product)
    charge_photos(wanted.files, len(photos) - len(wanted.files))
    ask: Ask = service.explain if options.heatmap else service.predict
    deadline = Deadline()
    answers = [_answer(service, ask, photo, deadline) for photo in photos]
    if len(answers) == 1 and isinstance(answers[0], AppError):
        raise answers[0]
    body: dict[str, Any] = {"model": bundle.model, "taxonomy": bundle.catalogue.version}
    if one_product:
        body["product"] = answer_product([_prediction(answer) for answer in answers], bundle).to_json()
    return body | {"results": [_result(answer) for answer in answers]}


def _check_count(wanted: Wanted, one_product: bool) -> None:
    """Raise TooManyAtOnce or TooManyPhotos for more photos than one request may bring."""
    files = len(wanted.files)
    if files > MAX_AT_ONCE:
        raise TooManyAtOnce
    if len(wanted.photos) - files > MAX_ADDRESSES:
        raise TooManyPhotos(Text("One request may give at most %(count)d addresses.", count=MAX_ADDRESSES))
    if one_product and len(wanted.photos) > MAX_PHOTOS:
        raise TooManyPhotos


def _answer(service: ModelService, ask: Ask, photo: FileStorage | str, deadline: Deadline) -> Answer:
    try:
        data = fetch(photo, deadline) if isinstance(photo, str) else photo.read()
        answer: Answer = classify(service, decode(data), ask)
    except AppError as error:
        return error
    return answer


def _prediction(answer: Answer) -> Prediction | AppError:
    return answer.prediction if isinstance(answer, Explanation) else answer


def _result(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, AppError):
        return {**NO_ANSWER, "error": answer.to_json()}
    return {**answer.to_json(), "error": None}
