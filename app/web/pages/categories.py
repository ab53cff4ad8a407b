"""The categories that the site's network knows, and how well it recognises each."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, render_template, request

from app.errors import NotFound
from app.evaluation.card import confused_with, figures_by_category, read_evaluation
from app.recognition.bundle import find_seldom_seen
from app.recognition.limits import MAX_QUERY
from app.recognition.offers import read_manifest
from app.recognition.search import search
from app.recognition.taxonomy import Category, path_in
from app.recognition.words import fold_text
from app.texts import Text
from app.web.caching import cacheable
from app.web.languages import choose_language
from app.web.marks import limited
from app.web.site import site

bp = Blueprint("categories", __name__, url_prefix="/categories")
MAX_FOUND = 100
MAX_LISTED = 500  # categories on one page; a longer list shows departments only


@bp.get("/")
@limited
@partial(cacheable, query=("q", "department"))
def index() -> str:
    """List the categories by department, or the results of a search, nearest first."""
    taxonomy = site().models.taxonomy
    query, department = (request.args.get(name, "")[:MAX_QUERY].strip() for name in ("q", "department"))
    found = search(taxonomy, query, len(taxonomy)) if query else list(taxonomy.categories)
    found = [category for category in found if department in {"", category.level1}]
    evaluation = _evaluation()
    return render_template(
        "categories.html",
        known=len(taxonomy),
        evaluation=evaluation,
        query=query,
        department=department,
        departments=_by_department(taxonomy.categories),
        groups={"": found[:MAX_FOUND]} if query else _by_department(found),
        found=len(found),
        shown=min(len(found), MAX_FOUND) if query else len(found),
        listed=bool(query or department) or len(found) <= MAX_LISTED,
        mapped=_mapped(),
        figures=figures_by_category(evaluation),
        seldom=_seldom_seen(),
    )


@bp.get("/<int:category_id>")
@limited
@cacheable
def category(category_id: int) -> str:
    """Show one category with its figures."""
    taxonomy = site().models.taxonomy
    found = taxonomy.by_id.get(category_id)
    if found is None:
        raise NotFound(Text("The network of this site knows no such category."))
    evaluation = _evaluation()
    return render_template(
        "category.html",
        category=found,
        figures=figures_by_category(evaluation).get(found.slug),
        confused=confused_with(evaluation, found.slug),
        by_slug={other.slug: other for other in taxonomy.categories},
        mapped=_mapped(),
        seldom=_seldom_seen(),
        by_category=site().random_photos.by_category,
        beside=[one for one in taxonomy.categories if one != found and one.path[:-1] == found.path[:-1]],
    )


def _by_department(categories: Iterable[Category]) -> dict[str, list[Category]]:
    """Group categories by the key of their department, in the order of the names that the visitor reads."""
    groups: dict[str, list[Category]] = {}
    language = choose_language()
    for category in sorted(categories, key=lambda one: list(map(fold_text, path_in(one, language)))):
        groups.setdefault(category.level1, []).append(category)
    return groups


def _mapped() -> Mapping[int | str, Category]:
    """Return the category as which each one is answered, if answers use another catalogue."""
    mapping = site().settings.taxonomy_map
    return mapping.targets if mapping else {}


def _seldom_seen() -> dict[str, int]:
    manifest = read_manifest(site().settings.weights / site().settings.model)
    return find_seldom_seen(manifest, site().models.taxonomy)


def _evaluation() -> dict[str, Any] | None:
    return read_evaluation(site().settings.weights / site().settings.model)
