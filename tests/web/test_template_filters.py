"""How numbers are written for people."""

import pytest
from flask import Flask

from app.web.languages import COOKIE
from app.web.template_filters import own_path, percent, roll_up, small_number


@pytest.mark.parametrize(("probability", "text"), [
    (1.0, "> 99.9 %"),
    (0.9995, "> 99.9 %"),
    (0.995, "99.5 %"),
    (0.932, "93 %"),
    (0.01, "1 %"),
    (0.0042, "0.4 %"),
    (0.0, "< 0.1 %"),
])  # fmt: skip
def test_a_probability_is_rounded_but_never_to_certainty(probability: float, text: str) -> None:
    assert percent(probability) == text


@pytest.mark.parametrize(("language", "text"), [("en", "0.00007"), ("fr", "0,00007")])
def test_a_rate_of_training_has_its_decimals_as_the_language_writes_them(language: str, text: str) -> None:
    with Flask(__name__).test_request_context(headers={"Cookie": f"{COOKIE}={language}"}):
        assert small_number(7e-5) == text


def test_a_path_in_another_catalogue_is_not_marked_as_french() -> None:
    assert own_path({"category_id": "A-1", "name": "Shirt", "path": ["Clothes", "Upper"]}) == [
        "Clothes",
        "Upper",
    ]


def test_the_command_line_reads_a_roll_up_in_english() -> None:
    step = {"level": 1, "name": "SPORT", "name_en": "Sports", "name_fr": "Sport"}
    assert roll_up([step | {"probability": 0.5, "trusted": False}]) == "Sports 50 % (unsure)"
