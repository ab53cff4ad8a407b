"""About the model: the networks of this site and how accurate they are."""

import re
from pathlib import Path

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from app.errors import DataError, NotFound
from app.evaluation.card import PLOTS, Card, find_plots, read_evaluation, tell_apart
from app.recognition.bundle import MANIFEST, TAXONOMY
from app.recognition.offers import read_manifest
from app.recognition.taxonomy import read_taxonomy
from app.web.caching import cacheable
from app.web.languages import choose_language, gettext
from app.web.site import site
from app.web.template_filters import number

LABEL = re.compile("(?<=>)[^<>]+(?=</text>)")  # in an SVG

bp = Blueprint("model", __name__, url_prefix="/model")


@bp.get("/")
def index() -> Response:
    """Show the card of the site's default network."""
    return _card(model=site().settings.model)


@bp.get("/<model>/")
def card(model: str) -> Response:
    """Show the card of one of the networks in weights/."""
    return _card(model=model)


@bp.get("/<model>/plots/<name>.svg")
@cacheable
def plot(model: str, name: str) -> Response:
    """Send a plot of a network's evaluation, labelled in the visitor's language."""
    if name not in find_plots(folder := _folder(model)):
        raise NotFound
    svg = (folder / PLOTS / f"{name}.svg").read_text(encoding="utf-8")
    return Response(LABEL.sub(_say, svg), mimetype="image/svg+xml")


def _say(label: re.Match[str]) -> str:
    whole, _, decimals = label[0].partition(".")
    return number(float(label[0]), len(decimals)) if f"{whole}{decimals}".isdecimal() else gettext(label[0])


def _page(model: str) -> str:
    folder = _folder(model)
    plots = {name: url_for(".plot", model=model, name=name) for name in find_plots(folder)}
    card = Card(read_manifest(folder), read_evaluation(folder), plots, _names(folder))
    others = [one for one in _models() if one != model]
    return render_template(
        "model.html",
        card=card,
        model=model,
        default=site().settings.model,
        others=others,
        states=site().models.states(),
        mapping=site().settings.taxonomy_map,
    )


def _progress() -> str:
    """Return a text that changes with the state of any network: a card shows it besides its files."""
    return repr([service.state() for service in site().models.loaded.values()])


_card = cacheable(_page, depends_on=_progress)


def _names(folder: Path) -> dict[str, str]:
    """Return the names of a network's categories in the visitor's language, by their slugs."""
    try:
        return tell_apart(read_taxonomy(folder / TAXONOMY).categories, choose_language())
    except DataError:
        return {}


def _folder(model: str) -> Path:
    if model not in _models():
        raise NotFound
    return site().settings.weights / model


def _models() -> list[str]:
    """List the names of the bundles: the pages open no other."""
    return sorted(path.parent.name for path in site().settings.weights.glob(f"*/{MANIFEST}"))
