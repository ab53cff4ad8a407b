import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from made_up import six_photos, small_bundle, small_evaluation

from app.cli.report import write_report
from app.evaluation.figures import Evaluation


@pytest.fixture
def evaluation() -> Evaluation:
    return small_evaluation()


@pytest.fixture
def page(app: Flask, evaluation: Evaluation, tmp_path: Path) -> str:
    with app.app_context():
        return write_report(tmp_path / "new" / "folder", small_bundle(), evaluation, six_photos()).read_text()


def test_the_report_needs_nothing_but_itself(page: str) -> None:
    addresses = re.findall(r'(?:src|href)="(?!#)([^"]{1,30})', page) + re.findall(
        r"url\(\W?([^)]{1,30})", page
    )
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert "@import" not in page


def test_the_report_shows_figures_with_intervals_and_every_plot_in_words(
    page: str, evaluation: Evaluation
) -> None:
    top1 = evaluation.top1
    assert top1.value is not None
    assert f"{100 * top1.value:.1f} %" in page
    assert f"{100 * top1.low:.1f} to {100 * top1.high:.1f}" in page
    texts = re.findall(r'<img src="data:image/svg[^"]*" alt="([^"]*)"', page)
    assert len(texts) == 4
    assert all(len(text) > 40 for text in texts)


def test_the_report_shows_photos_of_confused_categories(page: str) -> None:
    assert len(re.findall("data:image/jpeg", page)) == 3  # two of one pair, one of another


def test_the_report_says_what_is_known_of_the_data_and_what_is_not(page: str) -> None:
    assert "SnaetWarre" in page  # where balls come from
    assert "not known here" in page  # attic
    assert "Known weaknesses" in page


def test_a_bundle_without_thresholds_never_claims_to_be_sure(
    app: Flask, evaluation: Evaluation, tmp_path: Path
) -> None:
    bundle = small_bundle()
    bare = replace(
        bundle, manifest={key: value for key, value in bundle.manifest.items() if key != "thresholds"}
    )
    with app.app_context():
        page = write_report(tmp_path, bare, evaluation, six_photos()).read_text()
    assert "it never says that it is sure" in page
