"""Filters of templates that write names, numbers and times in the visitor's language."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal
from flask import Flask

from app.history.entry import Entry
from app.recognition.offers import title_of
from app.recognition.prediction import VERDICT_WORDS, Verdict, put_into_words
from app.recognition.taxonomy import Category
from app.settings import Settings
from app.texts import Text
from app.web.languages import choose_language, for_each_visitor, translate

TYPEFACE = "typeface"
STYLES = ("tokens", "base", "header", "parts")  # of every page, in this order; each is a file in static/
NO_BREAK = "\N{NO-BREAK SPACE}"


def init_app(app: Flask, settings: Settings) -> None:
    written = (number, small_number, percentage, percent, utc, own_name, other_name)
    for text_filter in (*written, headline, verdict_words, verdict_sentence, title_of):
        app.add_template_filter(for_each_visitor(text_filter))
    app.context_processor(lambda: {"other_language": _other_language(), "styles": (TYPEFACE, *STYLES)})


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
    return _name(category, choose_language())


def other_name(category: Category | Mapping[str, Any]) -> str:
    """Return the name of a category in the site's other language."""
    return _name(category, _other_language())


def verdict_words(verdict: str) -> Text:
    """Return a verdict in words."""
    return VERDICT_WORDS[verdict]


def verdict_sentence(verdict: str, steps: Iterable[Mapping[str, Any]]) -> str:
    """Explain in the visitor's language what a verdict means for an answer with this roll-up."""
    return str(translate(put_into_words(verdict, steps)))


def headline(entry: Entry) -> str:
    """Say in the visitor's language what a photo shows, as far as the verdict trusts the answer."""
    best = own_name(entry.predictions[0])
    if entry.verdict == Verdict.SURE:
        return best
    if entry.verdict == Verdict.NOT_A_PRODUCT:
        return str(translate(Text("Probably none of the categories that this network knows")))
    perhaps = best[:1].lower() + best[1:] if best[1:2].islower() else best  # not "cD player"
    trusted = [node["name"] for node in entry.roll_up if node["trusted"]]
    if not trusted:
        return str(translate(Text("Perhaps %(category)s", category=perhaps)))
    return str(translate(Text("%(place)s, perhaps %(category)s", place=trusted[-1], category=perhaps)))


def roll_up(steps: Iterable[Mapping[str, Any]]) -> str:
    """Write the roll-up of an answer as "SPORT 97 % > FITNESS 91 % > TAPIS 41 % (unsure)"."""
    return " > ".join(
        f"{node['name']} {percent(node['probability'])}{'' if node['trusted'] else ' (unsure)'}"
        for node in steps
    )


def _name(category: Category | Mapping[str, Any], language: str) -> str:
    if isinstance(category, Category):
        return category.name_fr if language == "fr" else category.name_en
    name: str = category["name"]
    return category.get("name_fr") or name if language == "fr" else name


def _is_french() -> bool:
    return choose_language() == "fr"


def _other_language() -> str:
    return "en" if _is_french() else "fr"
