"""Pages that are the same for everybody, and so may be kept by browsers and proxies."""

from flask import request
from werkzeug.wrappers import Response

MAX_AGE_SECONDS = 60


def cacheable(response: Response) -> Response:
    """Let anybody keep `response` for a minute, and then ask whether it has changed."""
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE_SECONDS
    response.add_etag()
    return response.make_conditional(request)
