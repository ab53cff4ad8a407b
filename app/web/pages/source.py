"""The site's whole source: a tree of files beside the highlighted code of one file."""

from pathlib import Path

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from app.errors import NotFound
from app.web.caching import cacheable
from app.web.site import site
from app.web.source_files import build_tree, highlighted_lines, read_bytes

bp = Blueprint("source", __name__, url_prefix="/source")
FIRST = "wsgi.py"


@bp.get("/", defaults={"name": FIRST}, endpoint="index")
@bp.get("/<path:name>")
@cacheable
def file(name: str) -> str:
    """Show one file beside the tree of all files; without a name, the file to start reading with."""
    files = site().source_files
    lines = highlighted_lines(_path(name))
    return render_template("source.html", name=name, lines=lines, tree=build_tree(files), count=len(files))


@bp.get("/raw/<path:name>")
@cacheable
def raw(name: str) -> Response:
    """Send one file as plain text."""
    return Response(read_bytes(_path(name)), content_type="text/plain; charset=utf-8")


def _path(name: str) -> Path:
    try:
        return site().source_files[name]
    except KeyError:
        raise NotFound from None
