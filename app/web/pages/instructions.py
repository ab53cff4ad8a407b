"""The home page: the problem, the case study, and how to use the site."""

from typing import Any

from flask import Blueprint, render_template

from app.errors import BundleError
from app.recognition.offers import read_manifest
from app.web.caching import cacheable
from app.web.examples import EXAMPLES
from app.web.site import site

bp = Blueprint("instructions", __name__)


@bp.get("/")
@cacheable
def index() -> str:
    """Show the introduction, with figures of the default network."""
    by_address = site().address_fetcher is not None
    return render_template("instructions.html", network=_manifest(), by_address=by_address, examples=EXAMPLES)


def _manifest() -> dict[str, Any] | None:
    """Return the manifest of the default network, or None if it cannot be read: the page does without it."""
    settings = site().settings
    try:
        return read_manifest(settings.weights / settings.model)
    except BundleError:
        return None
