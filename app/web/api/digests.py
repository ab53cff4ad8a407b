"""A prediction as a text that only this site can make: the API keeps none, so its clients bring it back."""

import hashlib
from functools import cache
from typing import Any

import msgspec
from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from msgspec import Struct
from msgspec.structs import asdict

from app.errors import UnknownDigest
from app.recognition.prediction import Prediction

MAX_DIGEST = 20_000  # characters


class Signed(Struct):
    """An answer, and the SHA-256 of the bytes of its photo."""

    model: str
    taxonomy: str
    photo: str
    predictions: list[dict[str, Any]]
    verdict: str
    roll_up: list[dict[str, Any]]


def make_digest(prediction: Prediction, data: bytes) -> str:
    """Sign the answer for the photo `data`."""
    answer = prediction.to_json()
    signed = Signed(
        model=prediction.model,
        taxonomy=prediction.taxonomy_version,
        photo=hash_photo(data),
        predictions=[{**guess} for guess in answer["predictions"]],
        verdict=answer["verdict"],
        roll_up=[{**node} for node in answer["roll_up"]],
    )
    return str(_serializer(str(current_app.secret_key)).dumps(asdict(signed)))


def read_digest(digest: str) -> Signed:
    """Read what `make_digest` made. Raises UnknownDigest for anything else."""
    try:
        return msgspec.convert(_serializer(str(current_app.secret_key)).loads(digest), Signed)
    except (BadData, msgspec.ValidationError) as error:
        raise UnknownDigest from error


def hash_photo(data: bytes) -> str:
    """Return the SHA-256 of the bytes of a photo."""
    return hashlib.sha256(data).hexdigest()


@cache
def _serializer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, "prediction", signer_kwargs={"digest_method": hashlib.sha256})
