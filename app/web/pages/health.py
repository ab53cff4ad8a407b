"""Whether the process lives, and whether it can answer."""

from typing import Any

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from app.errors import HistoryUnavailable

bp = Blueprint("health", __name__)


@bp.get("/livez")
def livez() -> ResponseReturnValue:
    """Say that the process answers."""
    return {"status": "alive"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say 200 once the default network is loaded and warmed, 503 before and when it cannot be.

    Without the history the site still classifies, so it is "degraded" and yet ready.
    """
    state: dict[str, Any] = current_app.extensions["models"].service().state()
    if state["status"] != "ready":
        return state, 503
    try:
        current_app.extensions["history"].count("")
    except HistoryUnavailable:
        return {**state, "status": "degraded", "degraded": ["history"]}
    return state
