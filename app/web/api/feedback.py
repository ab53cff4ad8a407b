"""POST /api/v1/feedback: say what is right about an answer of the API."""

import hashlib
from io import BytesIO
from typing import Annotated, TypedDict

from flask import Blueprint
from flask.typing import ResponseReturnValue
from msgspec import Struct
from werkzeug.datastructures import FileStorage

from app.corrections.store import Correction, find_right
from app.errors import (
    AnotherPhoto,
    CorrectionsUnavailable,
    TooLarge,
    TooManyPixels,
    UnknownCategory,
    UnknownDigest,
    UnreadablePhoto,
    UnsupportedFormat,
)
from app.recognition.origin import Origin
from app.recognition.photos import thumbnail
from app.texts import Text, about
from app.web.api import bodies
from app.web.api.bodies import read_base64, read_json
from app.web.api.digests import MAX_DIGEST, Signed, hash_photo, read_digest
from app.web.api.documented import Call, documented
from app.web.classifying import charge_photos, copy_side, decode
from app.web.marks import costly, keyed
from app.web.site import site


class Feedback(Struct, forbid_unknown_fields=True):
    """What is right about an answer."""

    digest: Annotated[
        str, about(Text("The digest of the answer, as the API gave it."), max_length=MAX_DIGEST)
    ]
    right: Annotated[int | str, about(Text("The id of the right category, which may be the one answered."))]
    photo: Annotated[
        str,
        about(
            Text(
                "The same photo, in base64. Send it only if the site may keep a small copy to train on;"
                " without it, none is kept."
            )
        ),
    ] = ""


class FeedbackJson(TypedDict):
    """What was kept."""

    right: Annotated[int | str, about(Text("The id of the category that is right."))]
    confirms: Annotated[bool, about(Text("Whether it is the one answered."))]
    photo_kept: Annotated[bool, about(Text("Whether a small copy of the photo is kept."))]


bp = Blueprint("feedback_api", __name__, url_prefix="/api/v1")
CALL = Call(
    summary=Text("Say what is right"),
    description=Text(
        "Corrects or confirms an answer, by its digest. The operator of the site can train on it. The last"
        " word on an answer counts: sent again without the photo, its copy is deleted."
    ),
    answer=FeedbackJson,
    status=201,
    bodies={bodies.JSON: Feedback},
    errors=(
        *(UnknownDigest, UnknownCategory, AnotherPhoto, CorrectionsUnavailable),
        *(TooLarge, TooManyPixels, UnsupportedFormat, UnreadablePhoto),
    ),
    example={"digest": "DIGEST", "right": 1000002361},
)


@bp.post("/feedback")
@costly  # a correction never expires
@keyed
@documented(CALL)
def feedback() -> ResponseReturnValue:
    """Store what a program says is right about an answer."""
    said = read_json(Feedback)
    signed = read_digest(said.digest)
    right = find_right(signed.predictions, site().models.catalogue.taxonomy, str(said.right))
    photo = _copy(read_base64(said.photo, "photo"), signed) if said.photo else None
    correction = Correction(
        answer=hashlib.sha256(said.digest.encode()).hexdigest()[:32],
        predictions=signed.predictions,
        verdict=signed.verdict,
        roll_up=signed.roll_up,
        model=signed.model,
        taxonomy_version=signed.taxonomy,
        right=right,
        origin=Origin(),
    )
    site().corrections.add(correction, photo)
    answer: FeedbackJson = {
        "right": right["category_id"],
        "confirms": correction.confirms,
        "photo_kept": photo is not None,
    }
    return {**answer}, CALL.status


def _copy(data: bytes, signed: Signed) -> bytes:
    """Make the copy to keep of the photo of an answer. Raises AnotherPhoto, or as `decode`."""
    if hash_photo(data) != signed.photo:
        raise AnotherPhoto
    charge_photos([FileStorage(BytesIO(data))])
    return thumbnail(decode(data), copy_side())
