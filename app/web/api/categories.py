"""GET /api/v1/categories: the categories that answers can name, and the tree above them."""

from collections import Counter
from typing import Annotated, TypedDict

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from msgspec import Struct, field

from app.recognition.limits import MAX_QUERY
from app.recognition.search import search
from app.recognition.taxonomy import Category, CategoryJson, path_in
from app.texts import Text, about
from app.web.api.bodies import read_options
from app.web.api.documented import Call, documented
from app.web.marks import limited
from app.web.site import site

MOST_ON_PAGE = 500
DEEPEST = 10  # names in a path


class CategoryQuery(Struct):
    """Which categories to list."""

    q: Annotated[str, about(Text("Words or a number to search for; the nearest categories come first."))] = ""
    path: Annotated[
        list[str],
        about(Text("Only what is below this node: its names from the department down."), max_length=DEEPEST),
    ] = field(default_factory=list)
    page: Annotated[int, about(Text("Counts from 1."), ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, about(Text("How many to list on a page."), ge=1, le=MOST_ON_PAGE)] = 20


class NodeBelowJson(TypedDict):
    """A node of the tree."""

    name: Annotated[str, about(Text("The name of the node, the last of its path."))]
    name_en: Annotated[str, about(Text("The English name."))]
    name_fr: Annotated[str, about(Text("The French name."))]
    categories: Annotated[int, about(Text("How many of the found categories are below it, or are it."), ge=1)]


class CategoriesJson(TypedDict):
    """A page of the categories found."""

    taxonomy: Annotated[str, about(Text("The version of the categories."))]
    categories: Annotated[list[CategoryJson], about(Text("Those on this page."))]
    below: Annotated[list[NodeBelowJson], about(Text("The nodes one step below the path, on all pages."))]
    found: Annotated[int, about(Text("How many there are on all pages."), ge=0)]
    page: Annotated[int, about(Text("The page that was asked for."), ge=1)]
    pages: Annotated[int, about(Text("How many pages there are."), ge=0)]


bp = Blueprint("category_api", __name__, url_prefix="/api/v1")
CALL = Call(
    summary=Text("List or search categories"),
    description=Text(
        "The categories that answers of the default network can name: all, those that match words, or those"
        " below a node of the tree. To walk through the tree, add a name of the nodes below to the path."
    ),
    answer=CategoriesJson,
    query=CategoryQuery,
    example={"q": "mug"},
)


@bp.get("/categories")
@limited
@documented(CALL)
def categories() -> ResponseReturnValue:
    """List a page of the categories that match; in the order of the tree, or of the search.

    They come from the catalogue that answers use: the network's own, or the one it is mapped to.
    """
    asked = read_options(CategoryQuery, request.args)
    catalogue = site().models.catalogue
    found, query, above = (
        catalogue.taxonomy.categories,
        asked.q.strip()[:MAX_QUERY],
        tuple(filter(None, asked.path)),
    )
    if query:
        found = tuple(search(catalogue.taxonomy, query, len(found)))
    else:
        found = tuple(sorted(found, key=lambda category: category.path))
    found = tuple(category for category in found if category.path[: len(above)] == above)
    start = (asked.page - 1) * asked.per_page
    answer: CategoriesJson = {
        "taxonomy": catalogue.version,
        "categories": [category.to_json() for category in found[start : start + asked.per_page]],
        "below": _below(found, len(above)),
        "found": len(found),
        "page": asked.page,
        "pages": -(-len(found) // asked.per_page),
    }
    return {**answer}


def _below(found: tuple[Category, ...], depth: int) -> list[NodeBelowJson]:
    deeper = [category for category in found if len(category.path) > depth]
    counts = Counter(category.path[depth] for category in deeper)
    one_of = {category.path[depth]: category for category in deeper}
    return [
        {
            "name": name,
            "name_en": path_in(one_of[name], "en")[depth],
            "name_fr": path_in(one_of[name], "fr")[depth],
            "categories": count,
        }
        for name, count in counts.items()
    ]
