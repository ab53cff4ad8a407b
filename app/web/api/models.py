"""GET /api/v1/models: the networks of the site and how accurate they are."""

from contextlib import suppress
from typing import Annotated, Any, TypedDict

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.errors import BundleError
from app.recognition.offers import read_manifest, title_of
from app.texts import Text, about
from app.web.api.documented import Call, documented
from app.web.marks import limited
from app.web.site import site

FIGURES = ("split", "photos", "top1", "top4", "level1")  # of the metrics in a manifest
Share = Annotated[float | None, about(Text("A share of the photos, 0 to 1; null if nobody measured it."))]


class FiguresJson(TypedDict):
    """How accurate a network was on labelled photos."""

    split: Annotated[str | None, about(Text("The photos it was measured on: val or test."))]
    photos: Annotated[int | None, about(Text("How many photos that were."))]
    top1: Share
    top4: Share
    level1: Share


class ModelJson(TypedDict):
    """A network."""

    model: Annotated[str, about(Text("The name to choose it by."))]
    title: Annotated[str, about(Text("Its name for people."))]
    default: Annotated[bool, about(Text("Whether it answers when none is chosen."))]
    status: Annotated[
        str, about(Text("ready, loading, failed, or not loaded, which the first photo changes."))
    ]
    taxonomy: Annotated[str | None, about(Text("The version of the categories that it knows."))]
    figures: FiguresJson


class ModelsJson(TypedDict):
    """All networks."""

    models: Annotated[list[ModelJson], about(Text("The networks, by name."))]


bp = Blueprint("model_api", __name__, url_prefix="/api/v1")
CALL = Call(
    summary=Text("List the networks"),
    description=Text("The networks that can answer, with their taxonomies and measured accuracy."),
    answer=ModelsJson,
)


@bp.get("/models")
@limited
@documented(CALL)
def models() -> ResponseReturnValue:
    """List the networks; none is loaded for it."""
    answer: ModelsJson = {"models": [_describe(state) for state in site().models.states()]}
    return {**answer}


def _describe(state: dict[str, Any]) -> ModelJson:
    model = state["model"]
    metrics: dict[str, Any] = {}
    with suppress(BundleError):  # it has become unreadable since the start
        metrics = read_manifest(site().settings.weights / model).get("metrics") or {}
    figures: Any = {name: metrics.get(name) for name in FIGURES}
    return {
        "model": model,
        "title": title_of(model),
        "default": model == site().models.default,
        "status": state["status"],
        "taxonomy": state.get("taxonomy"),
        "figures": figures,
    }
