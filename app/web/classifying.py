"""Between Flask and the library: one photo in, its answer out, counted, timed, and not too many at once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask, g
from PIL import Image

from app.errors import AppError, Overloaded
from app.recognition.photos import RETAINED_SIDE, THUMBNAIL_SIDE, open_photo
from app.recognition.prediction import Prediction
from app.recognition.service import ModelService
from app.settings import Settings
from app.web import metrics
from app.web.marks import is_marked
from app.web.site import site

MAX_AT_ONCE = 50  # photos in one request

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Answered:
    """A photo, what the network says of it, and the time from its bytes to that."""

    picture: Image.Image
    prediction: Prediction
    milliseconds: float


def init_app(app: Flask, settings: Settings) -> None:
    app.before_request(take_place)
    app.teardown_request(leave_place)


def take_place() -> None:
    """Let a request that wants to classify in, or refuse it at once. Raises Overloaded.

    Comes before anything reads the form, so that a refusal costs next to nothing.
    """
    if not is_marked("classifies"):
        return
    try:
        site().gate.enter()
    except Overloaded:
        metrics.refused.labels("overloaded").inc()
        raise
    g.has_place = True
    metrics.queue_length.inc()


def leave_place(_error: BaseException | None) -> None:
    """Make room for the next request."""
    if g.pop("has_place", False):
        site().gate.leave()
        metrics.queue_length.dec()


def decode(data: bytes) -> Image.Image:
    """Decode an untrusted photo as `open_photo` does, in its turn; time it, and count what cannot be used."""
    try:
        with metrics.decode_seconds.time(), site().gate:
            return open_photo(data)
    except AppError as error:
        metrics.unusable_photos.labels(error.code).inc()
        raise


def answer_data(service: ModelService, data: bytes) -> Answered:
    """Decode an untrusted photo and name its categories; raises as `decode` and the network do."""
    started = time.perf_counter()
    picture = decode(data)
    return answer_picture(service, picture, time.perf_counter() - started)


def answer_picture(service: ModelService, picture: Image.Image, decoding: float) -> Answered:
    """Name the categories of a photo that has taken `decoding` seconds to decode."""
    started = time.perf_counter()
    prediction = classify(service, picture, service.predict)
    return Answered(picture, prediction, (decoding + time.perf_counter() - started) * 1000)


def classify(service: ModelService, picture: Image.Image, ask: Callable[[Image.Image], Answer]) -> Answer:
    """Name the categories of a decoded photo by `ask`, a method of `service`; timed and counted."""
    outcome = "ok"
    try:
        with metrics.inference_seconds.labels(service.engine, service.model).time():
            return ask(picture)
    except AppError as error:
        outcome = error.code
        raise
    finally:
        metrics.predictions.labels(service.engine, service.model, outcome).inc()


def kept_side() -> int:
    """Return the longest side, in px, of the copies of photos that may be kept."""
    return RETAINED_SIDE if site().settings.retain_photos else THUMBNAIL_SIDE
