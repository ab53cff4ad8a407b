"""Whether the process lives, and whether it can answer."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.web.site import site

bp = Blueprint("health", __name__)


@bp.get("/livez")
def livez() -> ResponseReturnValue:
    """Say that the process answers."""
    return {"status": "alive"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say 200 once the default network is loaded and warmed, 503 before and when it cannot be.

    Without sessions, history, corrections or shared metrics the site still classifies, so it is "degraded"
    and yet ready.
    """
    state = site().models.service().state()
    if state["status"] != "ready":
        return state, 503
    missing = site().dependencies.missing()
    return {**state, "status": "degraded", "degraded": missing} if missing else state
