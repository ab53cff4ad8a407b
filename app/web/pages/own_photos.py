"""Photos that only one visitor may see."""

from collections.abc import Callable

from flask import request
from werkzeug.wrappers import Response


def send_own_photo(make: Callable[[], bytes], etag: str) -> Response:
    """Send a JPEG, made only if the browser does not have the one with this ETag."""
    response = Response(mimetype="image/jpeg")
    response.cache_control.private = True
    response.cache_control.no_cache = True  # a deleted photo must not live on in the browser's cache
    response.set_etag(etag)
    if response.make_conditional(request).status_code != 304:
        response.data = make()
    return response
