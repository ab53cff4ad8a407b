"""/api/v1/classifiers: teach categories of one's own, ask for predictions in them, delete them."""

import secrets
from io import BytesIO
from typing import Annotated, TypedDict

from flask import Blueprint
from flask.typing import ResponseReturnValue
from msgspec import Struct
from werkzeug.datastructures import FileStorage

from app.classifiers.classifier import NAME_LENGTH, Classifier, Learned
from app.errors import (
    BadRequest,
    ClassifierFull,
    ClassifiersUnavailable,
    ModelFault,
    ModelNotReady,
    NotFound,
    Overloaded,
    TooFewTaught,
    TooLarge,
    TooManyPixels,
    UnreadablePhoto,
    UnsupportedFormat,
)
from app.recognition.limits import MOST_CATEGORIES, MOST_TAUGHT
from app.recognition.photos import PHOTO_FAULTS
from app.texts import Text, about
from app.web.api import bodies, predictions
from app.web.api.bodies import read_base64, read_json, read_wanted
from app.web.api.documented import Call, documented
from app.web.classifying import charge_photos
from app.web.marks import classifies, keyed, limited
from app.web.own import add_photo, learn, own_service
from app.web.site import site

ID_BYTES = 24  # of chance: whoever knows the id may use and delete the classifier


class CategoryToTeach(Struct, forbid_unknown_fields=True):
    """A category and photos of it."""

    name: Annotated[str, about(Text("The name of the category."), min_length=1, max_length=NAME_LENGTH)]
    photos: Annotated[
        list[str],
        about(
            Text("Its photos, in base64 or as data: addresses with base64."),
            min_length=1,
            max_length=MOST_TAUGHT,
        ),
    ]


class NewClassifier(Struct, forbid_unknown_fields=True):
    """Categories to teach."""

    categories: Annotated[
        list[CategoryToTeach],
        about(Text("The categories to teach."), min_length=2, max_length=MOST_CATEGORIES),
    ]


class TaughtCategoryJson(TypedDict):
    """A category that was taught."""

    category_id: Annotated[int, about(Text("The number of the category in predictions."))]
    name: Annotated[str, about(Text("The name of the category."))]
    photos: Annotated[int, about(Text("How many photos of it were taught."), ge=1)]
    measured: Annotated[int, about(Text("How many of them cross-validation could measure."), ge=0)]
    right: Annotated[int, about(Text("How many of these were answered rightly."), ge=0)]


class ClassifierJson(TypedDict):
    """A classifier that was taught."""

    id: Annotated[str, about(Text("The id of the classifier, which is its key: keep it to yourself."))]
    categories: Annotated[list[TaughtCategoryJson], about(Text("Its categories."))]


class DeletedJson(TypedDict):
    """What was deleted."""

    deleted: Annotated[str, about(Text("The id of the classifier that is gone."))]


bp = Blueprint("classifier_api", __name__, url_prefix="/api/v1/classifiers")
FAULTS = (ClassifiersUnavailable, ModelNotReady, ModelFault, Overloaded)
CREATE = Call(
    summary=Text("Teach your own categories"),
    description=Text(
        "Makes a classifier of at least two categories from a few photos of each, in seconds. It is gone a"
        " month after that. A photo costs as much as one to classify."
    ),
    answer=ClassifierJson,
    status=201,
    bodies={bodies.JSON: NewClassifier},
    errors=(
        *(TooFewTaught, ClassifierFull, TooLarge, TooManyPixels, UnsupportedFormat, UnreadablePhoto),
        *FAULTS,
    ),
    example={
        "categories": [{"name": "Mugs", "photos": ["PHOTO-1"]}, {"name": "Pots", "photos": ["PHOTO-2"]}]
    },
)
SHOW = Call(
    summary=Text("Look at a classifier"),
    description=Text("Its categories, and how many photos cross-validation found right."),
    answer=ClassifierJson,
    errors=(NotFound, ClassifiersUnavailable),
)
DELETE = Call(
    summary=Text("Delete a classifier"),
    description=Text("Deletes it with the copies of its photos."),
    answer=DeletedJson,
    errors=(NotFound, ClassifiersUnavailable),
)
PREDICT = Call(
    summary=Text("Classify photos by your own categories"),
    description=Text("Like predictions of a network, without digests: feedback is for networks."),
    answer=predictions.CALL.answer,
    query=predictions.CALL.query,
    bodies=predictions.CALL.bodies,
    errors=(*predictions.CALL.errors, NotFound, ClassifiersUnavailable),
    example=predictions.CALL.example,
)


@bp.post("")
@classifies
@keyed
@documented(CREATE)
def create() -> ResponseReturnValue:
    """Teach the categories of the request, or keep nothing of it."""
    wanted = read_json(NewClassifier)
    if sum(len(category.photos) for category in wanted.categories) > MOST_TAUGHT:
        raise ClassifierFull
    classifier_id = secrets.token_urlsafe(ID_BYTES)
    classifier = _open(classifier_id)
    photos = {
        (number, place): read_base64(text, f"categories[{number}].photos[{place}]")
        for number, category in enumerate(wanted.categories)
        for place, text in enumerate(category.photos)
    }
    charge_photos([FileStorage(BytesIO(data)) for data in photos.values()])
    try:
        categories = [classifier.add_category(category.name) for category in wanted.categories]
        for (number, place), data in photos.items():
            try:
                add_photo(classifier, categories[number], data)
            except PHOTO_FAULTS as error:
                where = f"categories[{number}].photos[{place}]"
                raise type(error)(Text("%(place)s: %(why)s", place=where, why=error.args[0])) from error
        return {**_describe(classifier_id, learn(classifier))}, CREATE.status
    except Exception:
        classifier.clear()
        raise


@bp.get("/<classifier_id>")
@limited
@documented(SHOW)
def show(classifier_id: str) -> ResponseReturnValue:
    """Describe a classifier."""
    return {**_describe(classifier_id, _find(classifier_id))}


@bp.post("/<classifier_id>/predictions")
@classifies
@keyed
@documented(PREDICT)
def predict(classifier_id: str) -> ResponseReturnValue:
    """Classify photos, one result for each, in order."""
    _find(classifier_id)
    wanted = read_wanted()
    if wanted.options.model:
        raise BadRequest(Text("A classifier stands in place of a network: leave out the model."))
    return predictions.answer(wanted, own_service(_open(classifier_id)), signs=False)


@bp.delete("/<classifier_id>")
@limited
@documented(DELETE)
def delete(classifier_id: str) -> ResponseReturnValue:
    """Delete a classifier."""
    _find(classifier_id)
    _open(classifier_id).clear()
    return {"deleted": classifier_id}


def _open(classifier_id: str) -> Classifier:
    return Classifier(site().classifiers, f"api:{classifier_id}")  # no id of a visitor looks like this


def _find(classifier_id: str) -> Learned:
    """Return what a classifier has learned. Raises NotFound."""
    learned = _open(classifier_id).learned()
    if learned is None:
        raise NotFound(Text("There is no classifier with this id. It may have expired."))
    return learned


def _describe(classifier_id: str, learned: Learned) -> ClassifierJson:
    categories = zip(learned.taxonomy.categories, learned.figures, strict=True)
    return {
        "id": classifier_id,
        "categories": [
            {
                "category_id": int(category.category_id),
                "name": category.level1,
                "photos": photos,
                "measured": measured,
                "right": right,
            }
            for category, (photos, measured, right) in categories
        ],
    }
