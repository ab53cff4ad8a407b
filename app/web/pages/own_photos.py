"""Photos that only one visitor may see, and the network that answers for them again."""

from collections.abc import Callable

from flask import request
from PIL import Image
from werkzeug.wrappers import Response

from app.errors import NotFound, NotTaught, UnknownModel
from app.history.entry import Entry
from app.recognition.service import Service
from app.texts import Text
from app.web.classifying import decode
from app.web.own import choose_service
from app.web.rate_limits import charge
from app.web.sessions import history_owner
from app.web.site import site


def send_own_photo(make: Callable[[], bytes], etag: str) -> Response:
    """Send a JPEG, made only if the browser does not have the one with this ETag."""
    response = Response(mimetype="image/jpeg")
    response.cache_control.private = True
    response.cache_control.no_cache = True  # a deleted photo must not live on in the browser's cache
    response.set_etag(etag)
    if response.make_conditional(request).status_code != 304:
        response.data = make()
    return response


def network_of(entry: Entry) -> Service:
    """Return what gave an answer. Raises NotFound if it is gone or names other categories now."""
    try:
        service = choose_service(entry.model)
    except (UnknownModel, NotTaught) as error:
        raise NotFound(Text("The network that gave this answer is no longer on this site.")) from error
    if service.require_ready().catalogue.version != entry.taxonomy_version:
        raise NotFound(Text("The network that gave this answer now names other categories."))
    return service


def read_copies(entry: Entry, *places: int) -> list[Image.Image]:
    """Read the copies of an answer's photos that the history keeps, by default the first.

    Each costs one unit of RATE_LIMIT. Raises NotFound, TooManyRequests.
    """
    charge(len(places))
    owner, history = history_owner(), site().history
    return [decode(history.thumbnail(owner, entry.id, place)) for place in places or (0,)]
