"""The languages of the site: the one chosen with the switch, else the one that the browser prefers."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any
from urllib.parse import urlsplit

import msgspec
from babel import negotiate_locale
from babel.support import NullTranslations, Translations
from flask import Flask, Response, has_request_context, request
from flask.json.provider import DefaultJSONProvider
from jinja2 import pass_context
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept

from app.recognition.photos import PHOTO_FAULTS
from app.recognition.taxonomy import Category, name_in
from app.settings import ROOT, Settings
from app.texts import Name, Text

LANGUAGES = {"en": "English", "fr": "Français"}
COOKIE = "language"  # a cookie of its own, as pages without a session have a language, too
MAX_BACK = 500  # characters; longer addresses have no way back, as the links that hold it are many
CHOSEN = "site.language"  # in the WSGI environment of a request
TRANSLATIONS = ROOT / "app" / "web" / "translations"


class TranslatedJson(DefaultJSONProvider):
    """JSON with sentences in the language of the client and fields in the documented order."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return _encoder.encode(obj).decode()


def init_app(app: Flask, settings: Settings) -> None:
    app.json = TranslatedJson(app)
    app.jinja_env.policies["ext.i18n.trimmed"] = True  # a text may span several lines of a template
    app.jinja_env.add_extension("jinja2.ext.i18n")
    # The extension's own methods would put three more calls around each text of a page.
    app.jinja_env.newstyle_gettext = True  # type: ignore[attr-defined]
    app.jinja_env.globals.update(_=say, gettext=say, ngettext=say_number)
    app.jinja_env.finalize = translate  # applies to what a template prints, not to its constants
    app.add_template_filter(for_each_visitor(translate))
    app.add_template_filter(for_each_visitor(stored_sentence))
    app.context_processor(
        lambda: {
            "language": choose_language(),
            "languages": LANGUAGES,
            "path_back": path_back,
            "page_before": page_before,
        }
    )
    app.after_request(vary)
    for language in LANGUAGES:  # read now: too late once file handles have run out
        _translations(language)


def choose_language() -> str:
    """Return the code of the language that the visitor chose, else the one that the browser prefers."""
    if not has_request_context():
        return "en"
    # Bypass the proxy, the slowest step here: a page with a history asks for the language 500 times.
    environ = request._get_current_object().environ  # type: ignore[attr-defined]
    if CHOSEN not in environ:
        environ[CHOSEN] = _negotiate()
    return str(environ[CHOSEN])


def negotiate(accepted: LanguageAccept) -> str:
    """Return the code of the site's language that a browser prefers."""
    preferred = [code for code, quality in accepted if quality]
    return (negotiate_locale(preferred, LANGUAGES, sep="-") or "en").lower()  # en-GB is English, too


def gettext(text: str) -> str:
    """Translate an English text into the visitor's language."""
    return _translations(choose_language()).gettext(text)


def say(text: str, /, **values: Any) -> Markup:
    """Translate a text of a template and fill in its values, escaped."""
    said = _say(text, choose_language())
    return said % values if "%" in said else said


def say_number(one: str, many: str, num: int, /, **values: Any) -> Markup:
    """Translate the singular or plural of a template's text for a number, and fill it in as `num`."""
    said = _translations(choose_language()).ngettext(one, many, num)
    return Markup(said) % {"num": num, **values}  # noqa: S704


def translate(value: Any) -> Any:
    """Translate a `Text`, a `Name` or a category into the visitor's language; return anything else as is."""
    if isinstance(value, Text):
        said = gettext(value.template)
        return said % {name: translate(part) for name, part in value.values.items()} if value.values else said
    if isinstance(value, Name):
        return value.french if choose_language() == "fr" else value
    if isinstance(value, Category):
        return name_in(value, choose_language())
    if isinstance(value, tuple):
        return ", ".join(str(translate(part)) for part in value)
    return value


def stored_sentence(sentence: str) -> str:
    """Translate a photo's error, which the history stores in English, into the visitor's language."""
    known = {str(fault.sentence): fault.sentence for fault in PHOTO_FAULTS}
    return str(translate(known.get(sentence, Text(sentence))))


def for_each_visitor(text_filter: Callable[..., Any]) -> Callable[..., Any]:
    """Keep Jinja from applying a filter to constants only once, when it compiles a template."""

    @pass_context
    @wraps(text_filter)
    def call(_context: object, *args: Any) -> Any:
        return text_filter(*args)

    return call


def path_back() -> str:
    """Return the path to which the language switch returns: this page, or the page whose form led here."""
    if request.method in {"GET", "HEAD"}:
        here = request.script_root + request.full_path.removesuffix("?")
        return here if len(here) <= MAX_BACK else f"{request.script_root}/"
    return page_before() or f"{request.script_root}/"


def page_before() -> str:
    """Return the path of the page of this site that led here, or an empty text."""
    try:
        before = urlsplit(request.referrer or "")
    except ValueError:  # such as http://[
        return ""
    if before.netloc != request.host:
        return ""
    return f"{before.path}?{before.query}" if before.query else before.path


def vary(response: Response) -> Response:
    """Tell caches that pages, JSON and plots differ by language."""
    if response.mimetype in {"text/html", "application/json", "image/svg+xml"}:
        response.vary.update(("Accept-Language", "Cookie"))
    return response


def _negotiate() -> str:
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LANGUAGES else negotiate(request.accept_languages)


@cache
def _translations(language: str) -> NullTranslations:
    """Read the catalogue of a language; English has none."""
    return Translations.load(TRANSLATIONS, [language])


@cache  # as many as the templates have
def _say(text: str, language: str) -> Markup:
    return Markup(_translations(language).gettext(text))  # noqa: S704


def _encode(value: Any) -> Any:
    """Return what JSON can hold of a value of another type."""
    if isinstance(value, Text):
        return translate(value)
    return str(value) if isinstance(value, str) else DefaultJSONProvider.default(value)


_encoder = msgspec.json.Encoder(enc_hook=_encode)
