"""The model card: what a bundle says about itself, stored beside it as data and shown on a page.

Mitchell et al. 2019, "Model Cards for Model Reporting", arXiv 1810.03993.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from app.recognition.bundle import KNOWN, RIGHT, SELDOM, Bundle, write_manifest
from app.recognition.names import SEPARATOR
from app.recognition.offers import read_manifest
from app.recognition.taxonomy import Category, name_in, path_in

if TYPE_CHECKING:
    from app.evaluation.figures import Evaluation

FORMAT = 4  # of evaluation.json; raised when its shape changes, so that no page misreads an older one
EVALUATION = "evaluation.json"
PLOTS = "plots"
ACCURACY = ("split", "photos", "unreadable", "top1", "top4", "level1")  # of the metrics in a manifest
WEAKEST = 5
FEW, FEW_OF_CATEGORY = 30, 10  # with fewer photos no data set, or category, can be called weak


@dataclass(frozen=True)
class Example:
    """A photo with a wrong answer: the category it shows, and its address."""

    name: str
    address: str


@dataclass(frozen=True)
class Card:
    """What a page about a bundle shows.

    `evaluation` is the JSON object of `Evaluation`, None if nothing was saved; `plots` are the addresses of
    the pictures by name; `names` has the name of each category in the reader's language by its slug;
    `examples` has photos for the first of the confused pairs.
    """

    promises: ClassVar[dict[str, float]] = {"right": RIGHT, "known": KNOWN}
    seldom: ClassVar[int] = SELDOM

    manifest: dict[str, Any]
    evaluation: dict[str, Any] | None
    plots: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    examples: list[list[Example]] = field(default_factory=list)

    def name(self, slug: str) -> str:
        """Return the name of a category in the reader's language."""
        return self.names.get(slug, slug)

    @property
    def sources(self) -> list[str]:
        """Return the data sets that it was trained on, as far as known."""
        return list((self.manifest.get("training") or {}).get("sources", []))

    @property
    def runs(self) -> list[dict[str, Any]]:
        """Return the facts of each training run behind the weights, with its `share` of them in 0..1."""
        return _runs(self.manifest.get("training") or {})

    @property
    def curve(self) -> list[dict[str, Any]]:
        """Return loss and accuracy of each epoch of its training."""
        return training_curve(self.manifest)

    def weakest(self, groups: str, elsewhere: bool = False) -> list[dict[str, Any]]:
        """Return those of "departments", "sources", "sizes" or "categories" with a lower top-1 than all.

        The weakest come first. All but categories are listed only if chance does not explain the difference.
        `elsewhere` asks for those of the photos from elsewhere.
        """
        assert self.evaluation
        evaluation = self.evaluation["elsewhere"] if elsewhere else self.evaluation
        found, overall = evaluation[groups], evaluation["top1"]["value"]
        if groups == "categories":
            weak = [one for one in found if one["photos"] >= FEW_OF_CATEGORY and one["top1"] < overall]
            return sorted(weak, key=lambda one: (one["top1"], -one["photos"]))[:WEAKEST]
        weak = [one for one in found if one["top1"]["photos"] >= FEW and one["top1"]["high"] < overall]
        return sorted(weak, key=lambda one: float(one["top1"]["value"]))[:WEAKEST]


def save_evaluation(bundle: Bundle, evaluation: Evaluation, plots: bool = True) -> None:
    """Write an evaluation into its bundle: the main figures in the manifest, all in files beside the weights.

    These files are data for people. Nothing is loaded from them, so the manifest has no sha256 of them.
    """
    write_manifest(bundle.folder, bundle.manifest | {"metrics": evaluation.metrics()})
    text = json.dumps({"format": FORMAT} | evaluation.to_json(), indent=1, ensure_ascii=False)
    (bundle.folder / EVALUATION).write_text(text + "\n", encoding="utf-8")
    if not plots:
        return
    from app.evaluation.plots import draw_plots  # matplotlib is installed for training only

    folder = bundle.folder / PLOTS
    folder.mkdir(exist_ok=True)
    for name, svg in draw_plots(evaluation, training_curve(bundle.manifest)).items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


def forget_calibration(folder: Path) -> None:
    """Drop the measurements of the bundle in `folder` except accuracy, which calibration does not change."""
    manifest = read_manifest(folder)
    kept = {name: value for name, value in manifest.get("metrics", {}).items() if name in ACCURACY}
    write_manifest(folder, manifest | {"metrics": kept})
    (folder / EVALUATION).unlink(missing_ok=True)
    shutil.rmtree(folder / PLOTS, ignore_errors=True)


def read_evaluation(folder: Path) -> dict[str, Any] | None:
    """Read the evaluation saved in a bundle; None if there is none, or one in another format."""
    try:
        evaluation = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return evaluation if isinstance(evaluation, dict) and evaluation.get("format") == FORMAT else None


def figures_by_category(evaluation: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return the figures of each category by its slug; empty if nothing was saved."""
    return {row["slug"]: row for row in evaluation["categories"]} if evaluation else {}


def tell_apart(categories: Iterable[Category], language: str) -> dict[str, str]:
    """Return the name of each category by its slug, with the path above it if several share the name."""
    names = {one: name_in(one, language) for one in categories}
    count = Counter(names.values())
    return {
        one.slug: name if count[name] == 1 else f"{name} ({SEPARATOR.join(path_in(one, language)[:-1])})"
        for one, name in names.items()
    }


def confused_with(evaluation: dict[str, Any] | None, slug: str) -> list[dict[str, Any]]:
    """Return the categories, by slug, most often confused with this one.

    `taken` counts the photos of it answered with `other`, `given` those the other way round. Known only for
    the pairs that an evaluation lists, the worst of all.
    """
    found = []
    for pair in evaluation["confusions"] if evaluation else ():
        if pair["first"] == slug:
            found.append({"other": pair["second"], "taken": pair["forth"], "given": pair["back"]})
        elif pair["second"] == slug:
            found.append({"other": pair["first"], "taken": pair["back"], "given": pair["forth"]})
    return found


def find_plots(folder: Path) -> list[str]:
    """List the names of the plots saved in a bundle."""
    return sorted(path.stem for path in (folder / PLOTS).glob("*.svg"))


def training_curve(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return loss and accuracy of each known epoch with its stage and run, one run after another."""
    runs = enumerate(_runs(manifest.get("training") or {}))
    return [epoch | {"run": number} for number, run in runs for epoch in run.get("curve", [])]


def _runs(training: dict[str, Any], share: float = 1.0) -> list[dict[str, Any]]:
    """List the runs behind a network with their shares of its weights; a soup may have soups as members."""
    if "members" not in training:
        return [training | {"share": share}]
    members = training["members"]
    runs: list[dict[str, Any]] = []
    for run in (run for member in members for run in _runs(member, share / len(members))):
        same = next((one for one in runs if one | {"share": 0} == run | {"share": 0}), None)
        if same:  # a bundle that was named twice counts twice
            same["share"] += run["share"]
        else:
            runs.append(run)
    return runs
