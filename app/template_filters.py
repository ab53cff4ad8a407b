"""Small helpers that templates use: names, numbers and moments as the visitor's language writes them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal
from flask import Flask
from flask_babel import get_locale

from app.languages import for_each_visitor, translate
from app.recognition.offers import title_of
from app.recognition.prediction import Verdict
from app.recognition.taxonomy import Category
from app.settings import Settings
from app.texts import Text

NO_BREAK = "\N{NO-BREAK SPACE}"
VERDICT_WORDS = {
    Verdict.SURE.value: Text("Sure"),
    Verdict.UNSURE.value: Text("Not sure"),
    Verdict.NOT_A_PRODUCT.value: Text("Not sure that this is a product"),
}


def init_app(app: Flask, settings: Settings) -> None:
    written = (number, percentage, percent, utc, own_name, other_name)
    for text_filter in (*written, verdict_words, verdict_sentence, title_of):
        app.add_template_filter(for_each_visitor(text_filter))
    app.context_processor(lambda: {"other_language": "en" if _is_french() else "fr"})


def number(value: float, digits: int = 0) -> str:
    """Write a number with `digits` decimals: "12,345.6", in French "12 345,6"."""
    return _write(round(value, digits), digits, _language())


@lru_cache(2048)  # a page of the history writes a hundred
def _write(value: float, digits: int, language: str) -> str:
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return str(format_decimal(value, pattern, language))


def percentage(share: float, digits: int = 0) -> str:
    """Write a share of 0 to 1 in percent, "84.2 %"; French wants no line break before the sign."""
    return f"{number(100 * share, digits)}{NO_BREAK if _is_french() else ' '}%"


def percent(probability: float) -> str:
    """Write a probability as people read it: "93 %", "0.4 %"; never as certain, "> 99.9 %" at most."""
    if probability > 0.999:
        return f"> {percentage(0.999, 1)}"
    if probability >= 0.99:
        return percentage(probability, 1)
    if probability >= 0.01:
        return percentage(probability)
    return percentage(probability, 1) if probability >= 0.001 else f"< {percentage(0.001, 1)}"


def utc(moment: datetime) -> str:
    """Write a moment as "2026-11-22 19:36 UTC", in French as "22/11/2026 19:36 UTC"."""
    return f"{moment:%d/%m/%Y %H:%M} UTC" if _is_french() else f"{moment:%Y-%m-%d %H:%M} UTC"


def own_name(category: Category | Mapping[str, Any]) -> str:
    """Return the name of a category, or of one in an answer, in the visitor's language."""
    return _names(category)[0]


def other_name(category: Category | Mapping[str, Any]) -> str:
    """Return its name in the language that is not the visitor's."""
    return _names(category)[1]


def verdict_words(verdict: str) -> Text:
    """Say a verdict in words."""
    return VERDICT_WORDS[verdict]


def verdict_sentence(verdict: str, steps: Iterable[Mapping[str, Any]]) -> str:
    """Say what a verdict means for an answer with this roll-up."""
    words = VERDICT_WORDS[verdict]
    trusted = " > ".join(node["name"] for node in steps if node["trusted"])
    if verdict == Verdict.UNSURE and trusted:
        words = Text("%(verdict)s: best read as %(path)s", verdict=words, path=trusted)
    return str(translate(words))


def roll_up(steps: Iterable[Mapping[str, Any]]) -> str:
    """Write the roll-up of an answer as "SPORT 97 % > FITNESS 91 % > TAPIS 41 % (unsure)"."""
    return " > ".join(
        f"{node['name']} {percent(node['probability'])}{'' if node['trusted'] else ' (unsure)'}"
        for node in steps
    )


def _names(category: Category | Mapping[str, Any]) -> tuple[str, str]:
    if isinstance(category, Category):
        names = (category.name_en, category.name_fr)
    else:
        names = (category["name"], category.get("name_fr") or category["name"])
    return (names[1], names[0]) if _is_french() else names


def _is_french() -> bool:
    return _language() == "fr"


def _language() -> str:
    locale = get_locale()
    return str(locale.language) if locale else "en"
