"""POST /api/v1/predictions: photos in, their categories out."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from app.classifying import classifies, classify, decode
from app.errors import AppError, NoImage
from app.recognition.models import Models
from app.recognition.prediction import NO_ANSWER
from app.recognition.service import ModelService
from app.sources.address import fetch_photo
from app.sources.fetch import Deadline

Reader = Callable[[], bytes]

bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.post("/predictions")
@classifies
def predictions() -> ResponseReturnValue:
    """Classify each photo sent as a form field `image`, then each at an address in a field `url`.

    One result each, in order; all addresses together have the time of one click. The form field `model`
    may name a network. Among several photos an unusable one carries its own error; a single one is the
    request's error.
    """
    models: Models = current_app.extensions["models"]
    service = models.service(request.form.get("model", ""))
    bundle = service.bundle
    sent = request.files.getlist("image")
    addresses = request.form.getlist("url")
    if not sent and not addresses:
        raise NoImage
    fetcher, deadline = current_app.extensions["address_fetcher"], Deadline()
    readers: list[Reader] = [file.read for file in sent]
    readers += [partial(fetch_photo, fetcher, url.strip(), deadline) for url in addresses]
    results = [_result(service, read, alone=len(readers) == 1) for read in readers]
    return {"model": bundle.model, "taxonomy": bundle.taxonomy.version, "results": results}


def _result(service: ModelService, read: Reader, alone: bool) -> dict[str, Any]:
    try:
        prediction = classify(service, decode(read()))
    except AppError as error:
        if alone:
            raise
        return {**NO_ANSWER, "error": error.to_json()}
    return {**prediction.to_json(), "error": None}
