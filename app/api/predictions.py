"""POST /api/v1/predictions: photos in, their categories out."""

from typing import Any

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from app.errors import AppError, NoImage, TooManyPhotos
from app.recognition.heatmap import Explanation
from app.recognition.models import Models
from app.recognition.photos import open_photo
from app.recognition.prediction import NO_ANSWER, Prediction
from app.recognition.products import MAX_PHOTOS, answer_product
from app.recognition.service import ModelService

Answer = Prediction | Explanation | AppError
bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.post("/predictions")
def predictions() -> ResponseReturnValue:
    """Classify each photo sent as a form field `image`, one result each, in order.

    The form field `model` may name a network, `heatmap=1` asks where it looked, and `product=one` for an
    answer from all photos besides. Among several photos an unusable one carries its own error; a single one,
    or the first of a product of which none can be used, is the request's error.
    """
    models: Models = current_app.extensions["models"]
    service = models.service(request.form.get("model", ""))
    bundle = service.bundle
    photos = request.files.getlist("image")
    if not photos:
        raise NoImage
    one_product = request.form.get("product") == "one"
    if one_product and len(photos) > MAX_PHOTOS:
        raise TooManyPhotos
    answers = [_answer(service, photo.read()) for photo in photos]
    if len(answers) == 1 and isinstance(answers[0], AppError):
        raise answers[0]
    body: dict[str, Any] = {"model": bundle.model, "taxonomy": bundle.catalogue.version}
    if one_product:
        body["product"] = answer_product([_prediction(answer) for answer in answers], bundle).to_json()
    return body | {"results": [_result(answer) for answer in answers]}


def _answer(service: ModelService, data: bytes) -> Answer:
    try:
        photo = open_photo(data)
        return service.explain(photo) if request.form.get("heatmap") == "1" else service.predict(photo)
    except AppError as error:
        return error


def _prediction(answer: Answer) -> Prediction | AppError:
    return answer.prediction if isinstance(answer, Explanation) else answer


def _result(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, AppError):
        return {**NO_ANSWER, "error": answer.to_json()}
    return {**answer.to_json(), "error": None}
