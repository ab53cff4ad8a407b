"""How numbers are written for people."""

import pytest

from app.template_filters import percent


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
