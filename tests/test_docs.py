"""The figures that the documents give of the shipped networks are those that were measured."""

import re

import pytest

from app.evaluation.card import read_manifest
from app.recognition.offers import choose_default, find_offers
from app.settings import ROOT

MODELS = ("efficientnetv2-b0", "inception-v3")  # the columns of the README's table


@pytest.mark.parametrize(("words", "figures", "between"), [
    ("right category first / among the four", ("top1", "top4"), " / "),
    ("right department (level 1)", ("level1",), ""),
    ("calibration error (15 bins)", ("calibration_error",), ""),
    ("answers called sure, and right among them", ("coverage", "sure_accuracy"), ", "),
    ("photos without a product marked so, false alarms", ("not_product_marked", "false_alarms"), ", "),
])  # fmt: skip
def test_the_readme_says_what_was_measured(words: str, figures: tuple[str, ...], between: str) -> None:
    measured = (read_manifest(ROOT / "weights" / model)["metrics"] for model in MODELS)
    cells = [between.join(f"{100 * metrics[name]:.1f} %" for name in figures) for metrics in measured]
    assert f"| {' | '.join([words, *cells])} |" in (ROOT / "README.md").read_text()


def test_the_readme_gives_the_sizes_of_the_bundles() -> None:
    folders = (ROOT / "weights" / model for model in MODELS)
    sizes = [sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) for folder in folders]
    cells = [f"{size / 1e6:.0f} MB" for size in sizes]
    assert f"| {' | '.join(['size', *cells])} |" in (ROOT / "README.md").read_text()


def test_the_guide_says_how_often_the_default_network_is_sure_and_right() -> None:
    weights = ROOT / "weights"
    metrics = read_manifest(weights / choose_default(find_offers(weights)))["metrics"]
    guide = re.sub(r"\s+", " ", (ROOT / "docs" / "guide.md").read_text())
    assert f"{100 * metrics['sure_accuracy']:.1f} % of such answers were right" in guide
    assert f"{100 * metrics['coverage']:.1f} % of all answers are sure" in guide
