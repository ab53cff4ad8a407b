"""The home page: the problem, the case study, and how to use the site."""

from flask import Blueprint, render_template

bp = Blueprint("instructions", __name__)


@bp.get("/")
def index() -> str:
    """Show the introduction."""
    return render_template("instructions.html")
