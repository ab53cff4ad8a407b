"""POST /api/v1/predictions: classify photos."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict, get_type_hints

from flask import Blueprint
from flask.typing import ResponseReturnValue
from msgspec import defstruct
from PIL import Image
from werkzeug.datastructures import FileStorage

from app.errors import (
    AddressesOff,
    AppError,
    ErrorJson,
    ModelFault,
    ModelNotReady,
    NoImage,
    Overloaded,
    TooLarge,
    TooManyAtOnce,
    TooManyPhotos,
    TooManyPixels,
    UnknownModel,
    UnreadablePhoto,
    UnsupportedFormat,
    UrlNotAllowed,
    UrlUnavailable,
)
from app.recognition.heatmap import Explanation
from app.recognition.limits import MAX_AT_ONCE, MAX_PHOTOS
from app.recognition.prediction import NO_ANSWER, AnswerJson, Prediction
from app.recognition.products import ProductJson, answer_product
from app.recognition.service import Service
from app.sources.fetch import Deadline
from app.texts import Text, about
from app.web.api import bodies
from app.web.api.bodies import MAX_ADDRESSES, Options, PhotoForm, PhotoList, Wanted, read_wanted
from app.web.api.digests import make_digest
from app.web.api.documented import Call, documented
from app.web.classifying import charge_photos, classify, decode, fetch
from app.web.marks import classifies, keyed
from app.web.site import site

Answer = Prediction | Explanation | AppError
Told = tuple[Answer, str | None]  # with the digest
Ask = Callable[[Image.Image], Prediction | Explanation]

if TYPE_CHECKING:
    ResultJson = dict[str, Any]
else:  # an answer, of which each field may be null, as beside the error of an unusable photo
    error = Annotated[
        ErrorJson | None, about(Text("Why the photo could not be used; the rest is then null."))
    ]
    fields = {name: kind | None for name, kind in get_type_hints(AnswerJson, include_extras=True).items()}
    digest = Annotated[str | None, about(Text("This answer, signed: for feedback about it."))]
    ResultJson = defstruct("ResultJson", [*fields.items(), ("digest", digest), ("error", error)])


class PredictionsJson(TypedDict):
    """The answer to a request with photos."""

    model: Annotated[str, about(Text("The network that answered."))]
    taxonomy: Annotated[str, about(Text("The version of the categories that it knows."))]
    product: NotRequired[ProductJson]
    results: Annotated[list[ResultJson], about(Text("One for each photo, in the order sent."))]


bp = Blueprint("api", __name__, url_prefix="/api/v1")
CALL = Call(
    summary=Text("Classify photos"),
    description=Text(
        "Send photos in a form, as the body, or in JSON. With several photos, each that cannot be used has an"
        " error of its own. If the only photo or every photo of a product cannot be used, the request fails."
        " All addresses together have 6 seconds. Nothing is kept."
    ),
    answer=PredictionsJson,
    query=Options,
    bodies={
        bodies.MULTIPART: PhotoForm,
        bodies.JSON: PhotoList,
        "image/*": None,
        bodies.BYTES: None,
    },
    errors=(
        *(AddressesOff, UrlNotAllowed, UrlUnavailable),
        *(NoImage, TooLarge, TooManyAtOnce, TooManyPixels, UnsupportedFormat, UnreadablePhoto),
        *(UnknownModel, ModelNotReady, ModelFault, Overloaded),
    ),
    example={"image": "@photo.jpg"},
)


@bp.post("/predictions")
@classifies
@keyed
@documented(CALL)
def predictions() -> ResponseReturnValue:
    """Classify photos, one result for each, in order. All addresses together have the time of one click."""
    wanted = read_wanted()
    return answer(wanted, site().models.service(wanted.options.model))


def answer(wanted: Wanted, service: Service, signs: bool = True) -> ResponseReturnValue:
    """Answer a request with a network or a classifier; `signs` each answer, for feedback about it."""
    options, photos = wanted.options, wanted.photos
    bundle = service.require_ready()
    one_product = options.product == "one"
    _check_count(wanted, one_product)
    charge_photos(wanted.files, len(photos) - len(wanted.files))
    ask: Ask = service.explain if options.heatmap else service.predict
    deadline = Deadline()
    told = [_answer(service, ask, photo, deadline) for photo in photos]
    answers = [each for each, _ in told]
    if len(answers) == 1 and isinstance(answers[0], AppError):
        raise answers[0]
    body: dict[str, Any] = {"model": bundle.model, "taxonomy": bundle.catalogue.version}
    if one_product:
        body["product"] = answer_product([_prediction(each) for each in answers], bundle).to_json()
    return body | {"results": [_result(each, digest if signs else None) for each, digest in told]}


def _check_count(wanted: Wanted, one_product: bool) -> None:
    """Raise TooManyAtOnce or TooManyPhotos for more photos than one request may bring."""
    files = len(wanted.files)
    if files > MAX_AT_ONCE:
        raise TooManyAtOnce
    if len(wanted.photos) - files > MAX_ADDRESSES:
        raise TooManyPhotos(Text("One request may give at most %(count)d addresses.", count=MAX_ADDRESSES))
    if one_product and len(wanted.photos) > MAX_PHOTOS:
        raise TooManyPhotos


def _answer(service: Service, ask: Ask, photo: FileStorage | str, deadline: Deadline) -> Told:
    try:
        data = fetch(photo, deadline) if isinstance(photo, str) else photo.read()
        answer = classify(service, decode(data), ask)
    except AppError as error:
        return error, None
    return answer, make_digest(answer.prediction if isinstance(answer, Explanation) else answer, data)


def _prediction(answer: Answer) -> Prediction | AppError:
    return answer.prediction if isinstance(answer, Explanation) else answer


def _result(answer: Answer, digest: str | None) -> dict[str, Any]:
    if isinstance(answer, AppError):
        return {**NO_ANSWER, "digest": None, "error": answer.to_json()}
    return {**answer.to_json(), "digest": digest, "error": None}
