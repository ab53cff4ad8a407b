"""The documents give the figures that were measured, and every link between them leads somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

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


@pytest.mark.parametrize(("words", "figures", "between"), [
    ("right category first / among the four (top-1 / top-4)", ("top1", "top4"), " / "),
    ("right department (level 1)", ("level1",), ""),
    ("calibration error (15 bins)", ("calibration_error",), ""),
    ("answers called sure, and right among them", ("coverage", "sure_accuracy"), ", "),
    ("photos without a product marked so, false alarms", ("not_product_marked", "false_alarms"), ", "),
])  # fmt: skip
def test_the_table_of_networks_says_what_was_measured(
    words: str, figures: tuple[str, ...], between: str
) -> None:
    measured = (read_manifest(ROOT / "weights" / model)["metrics"] for model in MODELS)
    cells = [between.join(f"{100 * metrics[name]:.1f} %" for name in figures) for metrics in measured]
    assert f"| {' | '.join([words, *cells])} |" in (ROOT / "docs" / "model.md").read_text()


def test_the_table_of_networks_gives_the_sizes_of_the_bundles() -> None:
    folders = (ROOT / "weights" / model for model in MODELS)
    sizes = [sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) for folder in folders]
    cells = [f"{size / 1e6:.0f} MB" for size in sizes]
    assert f"| {' | '.join(['size', *cells])} |" in (ROOT / "docs" / "model.md").read_text()


@pytest.mark.parametrize("model", MODELS)
def test_the_readme_says_what_was_measured(model: str) -> None:
    metrics = read_manifest(ROOT / "weights" / model)["metrics"]
    first, among_four = (re.escape(f" {100 * metrics[name]:.1f} %") for name in ("top1", "top4"))
    assert re.search(f"{first} and.{{,30}}{among_four}", read_words(ROOT / "README.md"))


def test_the_manual_says_how_often_the_default_network_is_sure_and_right() -> None:
    weights = ROOT / "weights"
    metrics = read_manifest(weights / choose_default(find_offers(weights)))["metrics"]
    manual = read_words(ROOT / "docs" / "use.md")
    assert (
        f"{100 * metrics['coverage']:.1f} % of all answers were sure, "
        f"and {100 * metrics['sure_accuracy']:.1f} % of those were right"
    ) in manual


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
