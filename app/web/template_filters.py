"""Filters of templates that write names, numbers and times in the visitor's language."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal
from flask import Flask
from markupsafe import Markup

from app.history.entry import Entry
from app.recognition.names import name_path
from app.recognition.offers import title_of
from app.recognition.prediction import VERDICT_WORDS, Verdict
from app.recognition.taxonomy import FIRST_TAUGHT, Category, name_in, path_in
from app.settings import Settings
from app.texts import Text
from app.web.languages import choose_language, for_each_visitor, translate

TYPEFACE = "typeface"
STYLES = ("tokens", "base", "header", "parts")  # of every page, in this order; each is a file in static/
NO_BREAK = "\N{NO-BREAK SPACE}"


def init_app(app: Flask, settings: Settings) -> None:
    written = (
        number,
        small_number,
        percentage,
        percent,
        utc,
        own_name,
        other_name,
        own_path,
        department_name,
    )
    for text_filter in (*written, headline, verdict_label, verdict_words, title_of):
        app.add_template_filter(for_each_visitor(text_filter))
    fixed = {"styles": (TYPEFACE, *STYLES), "teaches": settings.teach}
    app.context_processor(lambda: {"other_language": _other_language(), **fixed})


def number(value: float, digits: int = 0) -> str:
    """Write a number with `digits` decimals: "12,345.6", in French "12 345,6"."""
    return _write(round(value, digits), digits, choose_language())


def small_number(value: float) -> str:
    """Write a number with all its decimals, up to eight: "0.00005", in French "0,00005"."""
    return str(format_decimal(value, "0.########", choose_language()))


def percentage(share: float, digits: int = 0) -> str:
    """Write a share from 0 to 1 in percent, "84.2 %"; in French, with a no-break space before the sign."""
    return _write(round(100 * share, digits), digits, choose_language(), "%")


@lru_cache(2048)  # a page of the history writes a hundred numbers
def _write(value: float, digits: int, language: str, unit: str = "") -> str:
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    written = str(format_decimal(value, pattern, language))
    return f"{written}{NO_BREAK if language == 'fr' else ' '}{unit}" if unit else written


def percent(probability: float) -> str:
    """Write a probability as people read it: "93 %", "0.4 %"; never as certain, at most "> 99.9 %"."""
    if probability > 0.999:
        return f"> {percentage(0.999, 1)}"
    if probability >= 0.99:
        return percentage(probability, 1)
    if probability >= 0.01:
        return percentage(probability)
    return percentage(probability, 1) if probability >= 0.001 else f"< {percentage(0.001, 1)}"


def utc(moment: datetime) -> str:
    """Write a time in UTC: "2026-11-22 19:36 UTC", in French "22/11/2026 19:36 UTC"."""
    return f"{moment:%d/%m/%Y %H:%M} UTC" if _is_french() else f"{moment:%Y-%m-%d %H:%M} UTC"


def own_name(category: Category | Mapping[str, Any]) -> str:
    """Return the name of a category in the visitor's language; an answer's category will do."""
    return name_in(category, choose_language())


def other_name(category: Category | Mapping[str, Any]) -> str:
    """Return the name of a category in the site's other language."""
    return name_in(category, _other_language())


def own_path(category: Category | Mapping[str, Any]) -> list[str]:
    """Return the names on the way down to a category in the visitor's language; an answer's category will do.

    A name of Cdiscount's that has no translation is marked as French.
    """
    fields = category.to_json() if isinstance(category, Category) else category
    names = path_in(category, choose_language())
    category_id = fields.get("category_id", 0)
    if isinstance(category_id, str) or category_id >= FIRST_TAUGHT:  # in a language that nobody knows
        return names
    return [_mark(name) if name == key else name for name, key in zip(names, fields["path"], strict=True)]


def department_name(department: str) -> str:
    """Return the name of a department in the visitor's language."""
    return name_path([department], department, choose_language())[0]


def verdict_words(verdict: str) -> Text:
    """Return a verdict in words."""
    return VERDICT_WORDS[verdict]


def verdict_label(verdict: str) -> Text:
    """Return a verdict in two words at most."""
    return VERDICT_WORDS[verdict] if verdict in {Verdict.SURE, Verdict.UNSURE} else Text("Not known")


def headline(entry: Entry) -> str:
    """Say in the visitor's language what a photo shows, as far as the verdict trusts the answer."""
    best = own_name(entry.predictions[0])
    if entry.verdict == Verdict.SURE:
        return best
    if entry.verdict != Verdict.UNSURE:
        return str(translate(verdict_words(entry.verdict)))
    perhaps = best[:1].lower() + best[1:] if best[1:2].islower() else best  # not "cD player"
    path = path_in(entry.predictions[0], choose_language())
    trusted = [name for name, node in zip(path, entry.roll_up, strict=False) if node["trusted"]]
    if not trusted:
        return str(translate(Text("Perhaps %(category)s", category=perhaps)))
    return str(translate(Text("%(place)s, perhaps %(category)s", place=trusted[-1], category=perhaps)))


def roll_up(steps: Iterable[Mapping[str, Any]]) -> str:
    """Write the roll-up of an answer as "Sports 97 % > Golf 91 % > Golf ball 41 % (unsure)"."""
    return " > ".join(
        f"{node['name_en']} {percent(node['probability'])}{'' if node['trusted'] else ' (unsure)'}"
        for node in steps
    )


def _mark(name: str) -> Markup:
    return Markup('<span lang="fr">{}</span>').format(name)


def _is_french() -> bool:
    return choose_language() == "fr"


def _other_language() -> str:
    return "en" if _is_french() else "fr"
