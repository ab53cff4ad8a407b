"""Small helpers that templates use."""

from datetime import datetime

from flask import Flask

from app.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    app.add_template_filter(percent)
    app.add_template_filter(utc)


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
