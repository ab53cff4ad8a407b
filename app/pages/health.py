"""Whether the process lives, and whether it can answer."""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

bp = Blueprint("health", __name__)


@bp.get("/livez")
def livez() -> ResponseReturnValue:
    """Say that the process answers."""
    return {"status": "alive"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say 200 once the default network is loaded and warmed, 503 before and when it cannot be."""
    state = current_app.extensions["models"].service().state()
    return state, 200 if state["status"] == "ready" else 503
