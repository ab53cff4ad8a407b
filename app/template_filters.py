"""Small helpers that templates use."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask import Flask

from app.recognition.offers import title_of
from app.recognition.prediction import Verdict
from app.settings import Settings

VERDICT_WORDS = {
    Verdict.SURE.value: "Sure",
    Verdict.UNSURE.value: "Not sure",
    Verdict.NOT_A_PRODUCT.value: "Not sure that this is a product",
}


def init_app(app: Flask, settings: Settings) -> None:
    app.add_template_filter(percent)
    app.add_template_filter(utc)
    app.add_template_filter(verdict_sentence)
    app.add_template_filter(VERDICT_WORDS.__getitem__, "verdict_words")
    app.add_template_filter(title_of)


def percent(probability: float) -> str:
    """Write a probability as people read it: "93 %", "0.4 %"; never as certain, "> 99.9 %" at most."""
    if probability > 0.999:
        return "> 99.9 %"
    if probability >= 0.99:
        return f"{probability * 100:.1f} %"
    if probability >= 0.01:
        return f"{probability * 100:.0f} %"
    return f"{probability * 100:.1f} %" if probability >= 0.001 else "< 0.1 %"


def utc(moment: datetime) -> str:
    """Write a moment as "2026-11-22 19:36 UTC"."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def verdict_sentence(verdict: str, steps: Iterable[Mapping[str, Any]]) -> str:
    """Say what a verdict means for an answer with this roll-up."""
    trusted = " > ".join(node["name"] for node in steps if node["trusted"])
    if verdict == Verdict.UNSURE and trusted:
        return f"{VERDICT_WORDS[verdict]}: best read as {trusted}"
    return VERDICT_WORDS[verdict]


def roll_up(steps: Iterable[Mapping[str, Any]]) -> str:
    """Write the roll-up of an answer as "SPORT 97 % > FITNESS 91 % > TAPIS 41 % (unsure)"."""
    return " > ".join(
        f"{node['name']} {percent(node['probability'])}{'' if node['trusted'] else ' (unsure)'}"
        for node in steps
    )
