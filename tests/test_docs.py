"""The documents give the figures that were measured, and every link between them leads somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from app.evaluation.card import read_evaluation
from app.recognition.offers import choose_default, find_offers, read_manifest
from app.settings import ROOT

MODELS = ("efficientnetv2-b0", "inception-v3")  # the columns of the table in docs/model.md
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "weights" / "README.md"])


def read_words(path: Path) -> str:
    """Return a document as one line, whatever its line breaks."""
    return re.sub(r"\s+", " ", path.read_text("utf-8"))


def find_anchors(path: Path) -> set[str]:
    """Return the anchors that a code host gives the headings of a document."""
    prose = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    texts = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


ACCURACY = [
    ("right category first / among the four (top-1 / top-4)", ("top1", "top4"), " / "),
    ("right department (level 1)", ("level1",), ""),
    ("calibration error (15 bins)", ("calibration_error",), ""),
    ("answers called sure, and right among them", ("coverage", "sure_accuracy"), ", "),
    ("said to be none of its categories, wrongly", ("false_alarms",), ""),
]
ELSEWHERE = [
    (words, tuple(f"elsewhere_{name}" for name in names), between) for words, names, between in ACCURACY
]
STRANGERS = [
    (
        f"**{words}** called sure, and said to be none of its categories",
        (f"{name}_sure", f"{name}_marked"),
        ", ",
    )
    for words, name in (
        ("products of other categories", "unknown"),
        ("photos without a product", "not_product"),
    )
]


@pytest.mark.parametrize(("words", "figures", "between"), [*ELSEWHERE, *ACCURACY, *STRANGERS])
def test_the_table_of_networks_says_what_was_measured(
    words: str, figures: tuple[str, ...], between: str
) -> None:
    measured = (read_manifest(ROOT / "weights" / model)["metrics"] for model in MODELS)
    cells = [between.join(f"{100 * metrics[name]:.1f} %" for name in figures) for metrics in measured]
    rows = (ROOT / "docs" / "model.md").read_text().splitlines()
    assert any(words in row and row.endswith(f"| {' | '.join(cells)} |") for row in rows)


def test_the_table_of_networks_gives_the_sizes_of_the_bundles() -> None:
    folders = (ROOT / "weights" / model for model in MODELS)
    sizes = [sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) for folder in folders]
    cells = [f"{size / 1e6:.0f} MB" for size in sizes]
    assert f"| {' | '.join(['size', *cells])} |" in (ROOT / "docs" / "model.md").read_text()


@pytest.mark.parametrize(("words", "elsewhere", "figure"), [
    ("shops never seen in training: right category first", True, "top1"),
    ("shops never seen in training: among the four", True, "top4"),
    ("sources of the training photos: right category first", False, "top1"),
    ("sources of the training photos: among the four", False, "top4"),
])  # fmt: skip
def test_the_readme_says_what_was_measured(words: str, elsewhere: bool, figure: str) -> None:
    cells = []
    for model in MODELS:
        evaluation = read_evaluation(ROOT / "weights" / model)
        assert evaluation
        share = (evaluation["elsewhere"] if elsewhere else evaluation)[figure]
        value, low, high = (f"{100 * share[name]:.1f}" for name in ("value", "low", "high"))
        cells.append(f"{value} % ({low} to {high})")
    assert f"| {' | '.join([words, *cells])} |" in (ROOT / "README.md").read_text()


def test_the_manual_says_how_often_the_default_network_is_sure_and_right() -> None:
    weights = ROOT / "weights"
    metrics = read_manifest(weights / choose_default(find_offers(weights)))["metrics"]
    names = ("elsewhere_coverage", "elsewhere_sure_accuracy", "coverage", "sure_accuracy")
    sure, right, own_sure, own_right = (f"{100 * metrics[name]:.1f} %" for name in names)
    assert (
        f"{sure} of all answers were sure, and {right} of those were right; "
        f"on validation photos {own_sure} were, and {own_right} of those"
    ) in read_words(ROOT / "docs" / "use.md")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_to_a_file_and_a_heading(document: Path) -> None:
    prose = re.sub(r"`[^`]*`", "", document.read_text("utf-8"))
    links = re.findall(r"\]\(([^)\s]+)\)", prose)
    broken = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = document.parent / path if path else document
        if not target.exists() or (anchor and anchor not in find_anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_list_of_decisions_names_every_record() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert (
        re.findall(r"^- \[\d{4}\]\((.+?)\)", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
        == records
    )
