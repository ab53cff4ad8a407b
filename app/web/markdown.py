"""Show the README as a page: Markdown of this project, in which other files are named by their path."""

from posixpath import normpath
from typing import Any
from urllib.parse import urlsplit

from flask import url_for
from markdown_it import MarkdownIt
from markupsafe import Markup


def render(text: str) -> Markup:
    """Render Markdown as HTML; HTML in it is escaped, and pictures are left out."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("image", _no_picture)
    parser.add_render_rule("link_open", _link)
    parser.add_render_rule("heading_open", _smaller)
    parser.add_render_rule("heading_close", _smaller)
    parser.add_render_rule("th_open", _without_style)
    parser.add_render_rule("td_open", _without_style)
    return Markup(parser.render(text))  # noqa: S704  its parser escapes


def _no_picture(*_: Any) -> str:
    return ""


def _smaller(renderer: Any, tokens: Any, place: int, options: Any, _env: Any) -> str:
    """Move a heading one level down, below that of the page."""
    token = tokens[place]
    token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
    return str(renderer.renderToken(tokens, place, options, {}))


def _without_style(renderer: Any, tokens: Any, place: int, options: Any, _env: Any) -> str:
    """Drop the alignment of a cell: the security policy allows no style in a page."""
    tokens[place].attrs.pop("style", None)
    return str(renderer.renderToken(tokens, place, options, {}))


def _link(renderer: Any, tokens: Any, place: int, options: Any, _env: Any) -> str:
    """Lead to a file of the project in the source section."""
    token = tokens[place]
    parts = urlsplit(str(token.attrs["href"]))
    if not parts.scheme and not parts.netloc and parts.path:
        token.attrs["href"] = url_for("source.file", name=normpath(parts.path))
    return str(renderer.renderToken(tokens, place, options, {}))
