"""The site's whole source: a tree of files beside the highlighted code of one file."""

from pathlib import Path

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from app.errors import NotFound
from app.web.caching import cacheable
from app.web.markdown import render
from app.web.site import site
from app.web.source_files import build_tree, highlighted_lines, read_bytes

bp = Blueprint("source", __name__, url_prefix="/source")
README = "README.md"


@bp.get("/")
@cacheable
def index() -> str:
    """Show the README as a page beside the tree of all files."""
    text = read_bytes(_path(README)).decode(errors="replace")
    return _show(README, readme=render(text), lines=text.splitlines())


@bp.get("/<path:name>")
@cacheable
def file(name: str) -> str:
    """Show one file beside the tree of all files."""
    return _show(name, lines=highlighted_lines(_path(name)))


@bp.get("/raw/<path:name>")
@cacheable
def raw(name: str) -> Response:
    """Send one file as plain text."""
    return Response(read_bytes(_path(name)), content_type="text/plain; charset=utf-8")


def _show(name: str, **values: object) -> str:
    files = site().source_files
    return render_template("source.html", name=name, tree=build_tree(files), count=len(files), **values)


def _path(name: str) -> Path:
    try:
        return site().source_files[name]
    except KeyError:
        raise NotFound from None
