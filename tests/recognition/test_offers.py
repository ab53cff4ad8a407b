"""Which networks there are, and which one answers."""

import json
from pathlib import Path

import pytest

from app.recognition.offers import CASE_STUDY, Offer, choose_default, explain_default, find_offers

OTHER = "efficientnetv2-b0"


def offers(own: float | None, other: float | None, taxonomy: str = "tree") -> list[Offer]:
    return [Offer(OTHER, taxonomy, other), Offer(CASE_STUDY, "tree", own)]


@pytest.mark.parametrize(("own", "other", "default"), [
    (0.90, 0.88, CASE_STUDY),
    (0.87, 0.88, CASE_STUDY),
    (0.861, 0.88, CASE_STUDY),
    (0.85, 0.88, OTHER),
    (0.88, None, CASE_STUDY),
    (None, 0.88, OTHER),
    (None, None, CASE_STUDY),
])  # fmt: skip
def test_the_case_studys_network_answers_unless_another_is_more_than_two_points_better(
    own: float | None, other: float | None, default: str
) -> None:
    assert choose_default(offers(own, other)) == default


def test_a_network_for_other_categories_is_not_compared() -> None:
    assert choose_default(offers(0.6, 0.9, "another tree")) == CASE_STUDY


def test_without_the_case_studys_network_the_most_accurate_answers() -> None:
    assert choose_default([Offer("a", "tree", 0.7), Offer("b", "tree", 0.8)]) == "b"


def test_without_any_network_the_case_studys_is_the_one_that_is_missing() -> None:
    assert choose_default([]) == CASE_STUDY


@pytest.mark.parametrize(("own", "other", "default", "words"), [
    (0.87, 0.88, CASE_STUDY, "within 2 points of the most accurate"),
    (0.90, 0.88, CASE_STUDY, "the most accurate one"),
    (0.80, 0.88, OTHER, "the most accurate one"),
    (0.80, 0.88, CASE_STUDY, "the operator of this site chose it"),
    (0.90, 0.88, "missing", "the operator of this site chose it"),
])  # fmt: skip
def test_the_site_says_why_a_network_answers(own: float, other: float, default: str, words: str) -> None:
    assert words in explain_default(offers(own, other), default)


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"taxonomy": "tree", "metrics": 3}'])
def test_a_folder_without_a_readable_manifest_is_not_offered(tmp_path: Path, text: str) -> None:
    for model, content in (("broken", text), ("whole", json.dumps({"taxonomy": "tree"}))):
        (tmp_path / model).mkdir()
        (tmp_path / model / "manifest.json").write_text(content)
    assert find_offers(tmp_path) == (Offer("whole", "tree", None),)
