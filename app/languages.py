"""The languages of the site: the browser's choice, or the one that a visitor has made with the switch."""

from flask import Flask, Response, has_request_context, request
from flask_babel import Babel

from app.settings import Settings

LANGUAGES = {"en": "English", "fr": "Français"}
COOKIE = "language"  # a cookie of its own: pages without a session have a language, too


def init_app(app: Flask, settings: Settings) -> None:
    Babel(app, default_translation_directories="app/translations", locale_selector=choose_language)
    app.context_processor(lambda: {"language": choose_language(), "languages": LANGUAGES})
    app.after_request(vary)


def choose_language() -> str:
    """Return the code of the language that the visitor chose, or else prefers in the browser."""
    if not has_request_context():
        return "en"
    if (chosen := request.cookies.get(COOKIE)) in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or "en"


def vary(response: Response) -> Response:
    """Tell caches that pages differ by language."""
    if response.mimetype in {"text/html", "application/json"}:
        response.vary.update(("Accept-Language", "Cookie"))
    return response
