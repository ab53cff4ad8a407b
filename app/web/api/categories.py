"""GET /api/v1/categories: find categories by name or id."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.recognition.limits import MAX_QUERY
from app.recognition.search import search
from app.web.marks import limited
from app.web.site import site

bp = Blueprint("category_api", __name__, url_prefix="/api/v1")
MAX_RESULTS = 20


@bp.get("/categories")
@limited
def categories() -> ResponseReturnValue:
    """Answer with the categories nearest to the words of the argument `q`, up to `MAX_RESULTS` of them.

    They come from the catalogue that answers use: the network's own, or the one it is mapped to.
    """
    catalogue = site().models.catalogue
    found = search(catalogue.taxonomy, request.args.get("q", "")[:MAX_QUERY], MAX_RESULTS)
    return {"taxonomy": catalogue.version, "categories": [category.to_json() for category in found]}
