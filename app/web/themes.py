"""The colours of the site: those chosen with the switch, else those that the browser prefers."""

from flask import Flask, has_request_context, request

from app.settings import Settings

AUTO = "auto"
THEMES = (AUTO, "light", "dark")
COOKIE = "theme"


def init_app(app: Flask, settings: Settings) -> None:
    app.context_processor(lambda: {"theme": choose_theme()})


def choose_theme() -> str:
    """Return the name of the theme that the visitor chose."""
    chosen = request.cookies.get(COOKIE) if has_request_context() else None
    return chosen if chosen in THEMES else AUTO
