"""POST /api/v1/predictions: photos in, their categories out."""

from typing import Any

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from app.errors import AppError, NoImage
from app.recognition.models import Models
from app.recognition.photos import open_photo
from app.recognition.prediction import NO_ANSWER
from app.recognition.service import ModelService

bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.post("/predictions")
def predictions() -> ResponseReturnValue:
    """Classify each photo sent as a form field `image`, one result each, in order.

    The form field `model` may name a network, `heatmap=1` asks where it looked. Among several photos an
    unusable one carries its own error; a single one is the request's error.
    """
    models: Models = current_app.extensions["models"]
    service = models.service(request.form.get("model", ""))
    bundle = service.bundle
    photos = [file.read() for file in request.files.getlist("image")]
    if not photos:
        raise NoImage
    results = [_result(service, data, alone=len(photos) == 1) for data in photos]
    return {"model": bundle.model, "taxonomy": bundle.catalogue.version, "results": results}


def _result(service: ModelService, data: bytes, alone: bool) -> dict[str, Any]:
    try:
        photo = open_photo(data)
        answer = service.explain(photo) if request.form.get("heatmap") == "1" else service.predict(photo)
    except AppError as error:
        if alone:
            raise
        return {**NO_ANSWER, "error": error.to_json()}
    return {**answer.to_json(), "error": None}
