"""POST /api/v1/predictions: classify photos."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.errors import AppError, NoImage, TooManyAtOnce, TooManyPhotos
from app.recognition.heatmap import Explanation
from app.recognition.limits import MAX_AT_ONCE, MAX_PHOTOS
from app.recognition.prediction import NO_ANSWER, Prediction
from app.recognition.products import answer_product
from app.recognition.service import ModelService
from app.sources.fetch import Deadline
from app.texts import Text
from app.web.classifying import charge_photos, classify, decode, fetch
from app.web.marks import classifies
from app.web.site import site

MAX_ADDRESSES = 8
Reader = Callable[[], bytes]

Answer = Prediction | Explanation | AppError
bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.post("/predictions")
@classifies
def predictions() -> ResponseReturnValue:
    """Classify each photo sent in a form field `image`, then each photo at an address in a field `url`.

    There is one result for each photo, in order. All addresses together have the time of one click. The form
    field `model` may name a network; `heatmap=1` adds where it looked, and `product=one` adds one answer from
    all photos. Among several photos, an unusable one carries its own error. A single unusable photo is the
    error of the request, and so is the first photo of a product of which none can be used.
    """
    service = site().models.service(request.form.get("model", ""))
    bundle = service.require_ready()
    sent = request.files.getlist("image")
    addresses = request.form.getlist("url")
    if not sent and not addresses:
        raise NoImage
    if len(sent) > MAX_AT_ONCE:
        raise TooManyAtOnce
    if len(addresses) > MAX_ADDRESSES:
        raise TooManyPhotos(Text("One request may give at most %(count)d addresses.", count=MAX_ADDRESSES))
    one_product = request.form.get("product") == "one"
    if one_product and len(sent) + len(addresses) > MAX_PHOTOS:
        raise TooManyPhotos
    charge_photos(sent, len(addresses))
    deadline = Deadline()
    readers: list[Reader] = [file.read for file in sent]
    readers += [partial(fetch, url.strip(), deadline) for url in addresses]
    answers = [_answer(service, read) for read in readers]
    if len(answers) == 1 and isinstance(answers[0], AppError):
        raise answers[0]
    body: dict[str, Any] = {"model": bundle.model, "taxonomy": bundle.catalogue.version}
    if one_product:
        body["product"] = answer_product([_prediction(answer) for answer in answers], bundle).to_json()
    return body | {"results": [_result(answer) for answer in answers]}


def _answer(service: ModelService, read: Reader) -> Answer:
    try:
        photo = decode(read())
        if request.form.get("heatmap") == "1":
            return classify(service, photo, service.explain)
        return classify(service, photo, service.predict)
    except AppError as error:
        return error


def _prediction(answer: Answer) -> Prediction | AppError:
    return answer.prediction if isinstance(answer, Explanation) else answer


def _result(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, AppError):
        return {**NO_ANSWER, "error": answer.to_json()}
    return {**answer.to_json(), "error": None}
