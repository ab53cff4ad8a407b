"""GET /api/v1/categories: find categories by name or id."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from app.recognition.search import search
from app.recognition.taxonomy import Taxonomy

bp = Blueprint("category_api", __name__, url_prefix="/api/v1")
MAX_RESULTS = 20


@bp.get("/categories")
def categories() -> ResponseReturnValue:
    """Answer with the categories nearest to the words of the argument `q`, at most `MAX_RESULTS`."""
    taxonomy: Taxonomy = current_app.extensions["models"].taxonomy
    found = search(taxonomy, request.args.get("q", ""), MAX_RESULTS)
    return {"taxonomy": taxonomy.version, "categories": [category.to_json() for category in found]}
