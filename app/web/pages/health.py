"""Whether the process is alive, and whether it can classify."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.web.site import site

bp = Blueprint("health", __name__)


@bp.get("/livez")
def livez() -> ResponseReturnValue:
    """Answer 200: the process is alive."""
    return {"status": "alive"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Answer 200 once the default network is loaded and warm, else 503.

    Without sessions, history, corrections, shared metrics or room for large uploads the site still
    classifies; it is then "degraded" but ready.
    """
    state = site().models.service().state()
    if state["status"] != "ready":
        return state, 503
    missing = site().dependencies.missing()
    return {**state, "status": "degraded", "degraded": missing} if missing else state
