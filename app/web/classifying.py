"""Between Flask and the library: from a photo to its answer and its row of the history."""

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from flask import Flask, g, request
from PIL import Image
from werkzeug.datastructures import FileStorage

from app.errors import AppError, HistoryUnavailable, Overloaded
from app.history.entry import Entry
from app.recognition.bundle import Bundle
from app.recognition.origin import Origin
from app.recognition.photos import (
    RETAINED_SIDE,
    THUMBNAIL_SIDE,
    count_pixels,
    fingerprint,
    open_photo,
    perceptual_hash,
    thumbnail,
)
from app.recognition.prediction import Prediction
from app.recognition.products import answer_product
from app.recognition.service import Service
from app.settings import OFF, Settings
from app.sources.address import fetch_photo
from app.sources.fetch import Deadline
from app.web import metrics
from app.web.marks import is_marked
from app.web.rate_limits import charge, counts_work, visitor
from app.web.sessions import extend_session, history_owner
from app.web.site import site

UNIT_PIXELS = 5_000_000  # of a photo that one unit of RATE_LIMIT pays for
CLIENT_GONE = "site.client_gone"  # in the WSGI environment: a function that tells whether the client has gone

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


class ClientGone(Exception):
    """Nobody is waiting for the answer any more."""


@dataclass(frozen=True, eq=False)
class Answered:
    """A photo, what the network says of it, and the seconds from the bytes to the answer."""

    picture: Image.Image
    prediction: Prediction
    milliseconds: float


def init_app(app: Flask, settings: Settings) -> None:
    app.before_request(take_place)
    app.teardown_request(leave_place)


def take_place() -> None:
    """Give a request that classifies a place, or refuse it at once. Raises Overloaded.

    This runs before anything reads the form, so that a refusal costs next to nothing.
    """
    if not is_marked("classifies"):
        return
    try:
        site().gate.enter(None if site().settings.rate_limit == OFF else visitor())
    except Overloaded:
        metrics.refused.labels("overloaded").inc()
        raise
    g.has_place = True
    metrics.queue_length.inc()


def leave_place(_error: BaseException | None) -> None:
    """Free the place of this request."""
    if g.pop("has_place", False):
        site().gate.leave()
        metrics.queue_length.dec()


def charge_photos(files: Iterable[FileStorage], addresses: int = 0) -> None:
    """Charge the visitor for photos before any of them is decoded.

    An address counts as one unit until its photo has arrived. Raises TooManyRequests.
    """
    if not counts_work():
        return
    units = addresses
    with site().gate:
        for file in files:
            units += _count_units(file.read())
            file.seek(0)
    charge(units)


def fetch(url: str, deadline: Deadline) -> bytes:
    """Fetch the photo at an address and charge its cost beyond one unit.

    Raises as `fetch_photo` does, and TooManyRequests.
    """
    data = fetch_photo(site().address_fetcher, url, deadline)
    charge(_count_units(data))
    return data


def decode(data: bytes) -> Image.Image:
    """Decode an untrusted photo as `open_photo` does, in its turn; time it, and count unusable photos.

    Raises ClientGone instead if the server knows that nobody is waiting for the answer.
    """
    if request.environ.get(CLIENT_GONE, bool)():
        raise ClientGone
    try:
        with metrics.decode_seconds.time(), site().gate:
            return open_photo(data, site().settings.heic)
    except AppError as error:
        metrics.unusable_photos.labels(error.code).inc()
        raise


def answer_data(service: Service, data: bytes) -> Answered:
    """Decode an untrusted photo and name its categories. Raises as `decode` and the network do."""
    started = time.perf_counter()
    picture = decode(data)
    return answer_picture(service, picture, time.perf_counter() - started)


def answer_picture(service: Service, picture: Image.Image, decoding: float) -> Answered:
    """Name the categories of a photo whose decoding took `decoding` seconds."""
    started = time.perf_counter()
    prediction = classify(service, picture, service.predict)
    return Answered(picture, prediction, (decoding + time.perf_counter() - started) * 1000)


def classify(service: Service, picture: Image.Image, ask: Callable[[Image.Image], Answer]) -> Answer:
    """Name the categories of a decoded photo with `ask`, a method of `service`; time and count it."""
    outcome = "ok"
    try:
        with metrics.inference_seconds.labels(service.engine, service.model).time():
            return ask(picture)
    except AppError as error:
        outcome = error.code
        raise
    finally:
        metrics.predictions.labels(service.engine, service.model, outcome).inc()


def make_entry(answered: Answered, origin: Origin, file_name: str = "") -> Entry:
    """Make the history row for the answer to one photo."""
    prediction = answered.prediction
    answer: dict[str, Any] = {**prediction.to_json()}
    del answer["in_words"]  # pages write it in the visitor's language
    del answer["needs_review"]  # for a row it follows from the verdict and the correction
    return Entry(
        **answer,
        model=prediction.model,
        taxonomy_version=prediction.taxonomy_version,
        origin=origin,
        milliseconds=answered.milliseconds,
        fingerprint=fingerprint(answered.picture),
        dhash=perceptual_hash(answered.picture),
        file_name=file_name,
    )


def make_product_entry(
    answers: Sequence[Answered | AppError], bundle: Bundle, names: Sequence[str]
) -> tuple[Entry, list[Image.Image]]:
    """Make the history row for a product of several uploaded photos; return it with the readable photos.

    `names` are the names of the files. Raises as `answer_product` does.
    """
    own = [answer.prediction if isinstance(answer, Answered) else answer for answer in answers]
    product = answer_product(own, bundle)
    read = [answer for answer in answers if isinstance(answer, Answered)]
    milliseconds = sum(answer.milliseconds for answer in read)
    entry = make_entry(Answered(read[0].picture, product.prediction, milliseconds), Origin(), names[0])
    places = itertools.count()
    photos = [
        {**photo, "file_name": name, "place": None if photo["error"] else next(places)}
        for photo, name in zip(product.own_to_json(), names, strict=True)
    ]
    return replace(entry, photos=photos), [answer.picture for answer in read]


def add_to_history(entry: Entry, first: Image.Image, *others: Image.Image) -> bool:
    """Add an answer and copies of its photos to the visitor's history; return whether that worked.

    The copy of the first may be given with a correction, so it is as large as this site keeps them.
    """
    copies = [thumbnail(first, copy_side()), *map(thumbnail, others)]
    try:
        site().history.add(history_owner(), entry, *copies)
    except HistoryUnavailable:
        log.warning("history unavailable: an answer was shown and not kept")
        return False
    extend_session()  # a session lives as long as its newest answer
    return True


def _count_units(data: bytes) -> int:
    """Return the cost of a photo: one unit for each 5 megapixels begun."""
    return max(1, -(-count_pixels(data) // UNIT_PIXELS))


def copy_side() -> int:
    """Return the longest side, in px, of the copies of photos that this site stores."""
    return RETAINED_SIDE if site().settings.retain_photos else THUMBNAIL_SIDE
