"""What a request of the API wants classified, in whichever of three forms it comes."""

import binascii
import re
from base64 import b64decode
from functools import cache
from io import BytesIO
from typing import Annotated, Literal, TypeVar, get_args, get_origin

import msgspec
from flask import request
from msgspec import Meta, Struct
from werkzeug.datastructures import FileStorage, MultiDict

from app.errors import BadRequest, NoImage
from app.recognition.limits import MAX_AT_ONCE
from app.sources.source import clean_line
from app.texts import Text, about
from app.web.site import site
from app.web.uploads import FORM, FORM_BYTES

IMAGE = "image"
LIST_OF_IMAGES = "image[]"  # what PHP and jQuery make of a list
JSON = "application/json"
MULTIPART = "multipart/form-data"
BYTES = "application/octet-stream"
MAX_ADDRESSES = 8  # in one request
DATA_URL = re.compile(r"data:[^,]{0,200};base64,")
NAMED = 8  # fields that a sentence names
NAME_LENGTH = 40  # characters of each
NO_BODY = Text(
    "No photo arrived: the request has no body. Send a form with a file in the field image; with curl:"
    " -F image=@photo.jpg."
)
NO_TYPE = Text(
    "No photo arrived: the body has no Content-Type. Send image/jpeg with a photo, or a form as"
    " multipart/form-data."
)
NO_BOUNDARY = Text(
    "No photo arrived: the Content-Type multipart/form-data names no boundary, so the form cannot be read."
    " Let your HTTP library write this header."
)
NO_FIELDS = Text(
    "No photo arrived: no field could be found in the form. Check that it ends with its boundary, as the"
    " Content-Type names it."
)
OTHER_TYPE = Text(
    "No photo arrived: the body came as %(type)s. Send multipart/form-data, a photo with an image type, or"
    " application/json."
)
OTHER_FIELDS = Text("No photo arrived in a field image or url. What came: %(fields)s.")
TEXT = Text(
    "No photo arrived: the field image holds text. A file needs a file name; with curl:"
    " -F image=@photo.jpg, with the @."
)
NOT_A_FORM = Text(
    "No photo arrived: a body of the type application/x-www-form-urlencoded carries none. With curl:"
    " -F image=@photo.jpg; or --data-binary @photo.jpg -H Content-Type:image/jpeg."
)

Kind = TypeVar("Kind")
Fields = TypeVar("Fields", bound=Struct)
File = Annotated[str, Meta(extra_json_schema={"format": "binary"})]
Model = Annotated[str, about(Text("The network to ask; without it, the default one."))]
Heatmap = Annotated[bool, about(Text("Whether to add where the network looked."))]
Product = Annotated[
    Literal["each", "one"],
    about(Text("What several photos show: each another product, or one, which gets one answer from all.")),
]


class Options(Struct, kw_only=True):
    """What to add to the answers."""

    model: Model = ""
    heatmap: Heatmap = False
    product: Product = "each"


class PhotoForm(Options):
    """Photos as files of a form, and addresses of photos, which follow the files."""

    image: Annotated[
        list[File], about(Text("Photos; image[] is the same field."), max_length=MAX_AT_ONCE)
    ] = msgspec.field(default_factory=list)
    url: Annotated[list[str], about(Text("The https addresses of photos."), max_length=MAX_ADDRESSES)] = (
        msgspec.field(default_factory=list)
    )


class PhotoOrAddress(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One photo: its bytes or its address."""

    data: Annotated[str, about(Text("Base64, or a data: address with base64."))] = ""
    url: Annotated[str, about(Text("An https address, or a data: address with base64."))] = ""


class PhotoList(Options, forbid_unknown_fields=True):
    """Photos in JSON."""

    images: Annotated[
        list[PhotoOrAddress], about(Text("The photos, in order."), min_length=1, max_length=MAX_AT_ONCE)
    ]


class Wanted(Struct):
    """Photos to classify, as files or by their addresses, in the order of the answers."""

    photos: list[FileStorage | str]
    options: Options

    @property
    def files(self) -> list[FileStorage]:
        return [photo for photo in self.photos if isinstance(photo, FileStorage)]


def read_wanted() -> Wanted:
    """Read what the current request wants classified. Raises NoImage and BadRequest, which say what came."""
    kind = request.mimetype
    if kind == JSON:
        return _read_json()
    if kind == BYTES or kind.startswith("image/"):
        return Wanted([_file(request.get_data())], read_options(Options, request.args))
    if kind == FORM and (request.content_length or 0) > FORM_BYTES:  # a photo by curl --data-binary
        raise NoImage(NOT_A_FORM)
    options = read_options(Options, request.args, request.form)
    files = request.files.getlist(IMAGE) + request.files.getlist(LIST_OF_IMAGES)
    urls = [url.strip() for url in request.form.getlist("url")]
    photos: list[FileStorage | str] = [*files, *filter(None, urls)]
    if not photos:
        raise NoImage(_missing())
    return Wanted(photos, options)


def read_options(kind: type[Fields], *fields: MultiDict[str, str]) -> Fields:
    """Read the fields of an address or a form as `kind`, the last ones first. Raises BadRequest."""
    texts = {name: each.getlist(name) for each in fields for name in each}
    lists = _lists(kind)
    values = {name: found if name in lists else found[-1] for name, found in texts.items()}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _undocumented(error) from error


@cache
def _lists(kind: type[Struct]) -> set[str]:
    """Return the names of the fields that hold several values."""
    return {one.name for one in msgspec.structs.fields(kind) if get_origin(get_args(one.type)[0]) is list}


def read_base64(text: str, place: str) -> bytes:
    """Decode base64, also in a data: address. Raises BadRequest, which names the `place` of the text."""
    start = DATA_URL.match(text)
    try:
        return b64decode("".join(text[start.end() if start else 0 :].split()), validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: not ASCII
        raise BadRequest(
            Text("%(place)s is neither base64 nor a data: address with base64.", place=place)
        ) from error


def read_json(kind: type[Kind]) -> Kind:
    """Read the JSON of the current request as `kind`, in its turn. Raises BadRequest."""
    with site().gate:
        try:
            return msgspec.json.decode(request.get_data(), type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _undocumented(error) from error


def _read_json() -> Wanted:
    wanted = read_json(PhotoList)
    photos = [_photo(one, f"images[{place}]") for place, one in enumerate(wanted.images)]
    return Wanted(photos, wanted)


def _photo(one: PhotoOrAddress, place: str) -> FileStorage | str:
    if bool(one.data) == bool(one.url):
        raise BadRequest(Text("%(place)s must have either data or url.", place=place))
    if one.data or one.url.startswith("data:"):
        return _file(read_base64(one.data or one.url, f"{place}.{'data' if one.data else 'url'}"))
    return one.url.strip()


def _file(data: bytes) -> FileStorage:
    return FileStorage(BytesIO(data))


def _undocumented(error: Exception) -> BadRequest:
    return BadRequest(Text("The request is not as documented: %(why)s.", why=str(error)))


def _missing() -> Text:
    """Say what a request without a photo brought instead."""
    kind = clean_line(request.mimetype)[:NAME_LENGTH]
    if not kind:
        return NO_TYPE if request.get_data() else NO_BODY
    if kind == MULTIPART and not request.mimetype_params.get("boundary"):
        return NO_BOUNDARY
    if kind not in {MULTIPART, FORM}:
        return Text(OTHER_TYPE, type=kind)
    if IMAGE in request.form or LIST_OF_IMAGES in request.form:
        return TEXT
    if kind == FORM:
        return NOT_A_FORM
    names = [*request.files, *request.form]
    came = tuple(clean_line(name)[:NAME_LENGTH] for name in names[:NAMED])
    return Text(OTHER_FIELDS, fields=came) if names else NO_FIELDS
