"""Measure how right taught categories are, against other ways, and how the cost of teaching grows.

PYTHONPATH=.:tests python bench/teaching.py BUNDLE [accuracy] [beside] [training] [cost]

The categories to teach are those of ../shared/products that the network of BUNDLE was not trained on. Photos
in `val_2` come from the same data sets as the examples, photos in `shops` from none of these.
"""

import csv
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from measuring import DATA, plot, save
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from app.errors import AppError
from app.evaluation.plots import MAIN
from app.recognition.bundle import Bundle, load_bundle
from app.recognition.offers import read_manifest
from app.recognition.prediction import Prediction, Verdict, predict
from app.recognition.service import ModelService
from app.recognition.taxonomy import Taxonomy, taught_category
from app.settings import ROOT
from app.teaching.beside import Beside
from app.teaching.export import read_head
from app.teaching.features import FILE, FeatureCache, embed_files
from app.teaching.head import Array, Labels, take_roots
from app.teaching.known import read_known
from app.teaching.lesson import WEIGHT_OF_KNOWN
from app.teaching.teach import Taught, teach

SHOTS = (1, 2, 5, 10, 25)
DRAWS = 3  # of the photos to teach with
TRAINED_WITH = 10  # photos a category, where training is compared
COSTS = ((100, 5), (1000, 50), (10_000, 300), (10_000, 1000), (100_000, 1000), (100_000, 5000))
SAME, OTHER = "val_2", "shops"


@dataclass(frozen=True)
class Photos:
    """Photos with features [n, channels] and the slugs of their categories [n]."""

    paths: Sequence[Path]
    features: Array
    slugs: NDArray[np.str_]

    def labels(self, slugs: Sequence[str]) -> Labels:
        """Return the places of the categories in `slugs`, -1 for others."""
        place = {slug: number for number, slug in enumerate(slugs)}
        return np.array([place.get(slug, -1) for slug in self.slugs.tolist()])


def main(folder: Path, parts: Sequence[str]) -> None:
    """Measure the parts that are named, or all."""
    for measure in (measure_accuracy, measure_beside, measure_training, measure_cost):
        if not parts or measure.__name__.removeprefix("measure_") in parts:
            measure(folder)


def measure_accuracy(folder: Path) -> None:
    """Teach with few and with many photos, and judge the answers to photos from the same and other shops."""
    bundle, slugs = load_bundle(folder), new_slugs(folder)
    tests = {split: read(folder, split, slugs) for split in (SAME, OTHER)}
    strangers = read(folder, "unknown", [""])
    rows: list[dict[str, float]] = []
    for shots in SHOTS:
        drawn = [judge(bundle, slugs, shots, draw, tests, strangers) for draw in range(DRAWS)]
        means = {name: float(np.mean([one[name] for one in drawn])) * 100 for name in drawn[0]}
        rows.append({"photos a category": shots, **means})
    counts = ", ".join(f"{len(test.paths)} photos of {split}" for split, test in tests.items())
    save("teaching-accuracy", f"{len(slugs)} categories taught to {bundle.model}, in percent", rows, (
        f"Judged on {counts}; means of {DRAWS} draws of the photos to teach with. Nearest mean: the category "
        "whose mean features are most like the photo's, by cosine. Logistic regression: scikit-learn's. "
        f"Strangers: {len(strangers.paths)} photos of products of no taught category."
    ))  # fmt: skip

    def draw_accuracy(figure: Figure) -> None:
        axes = figure.subplots()
        shown = [row["photos a category"] for row in rows]
        for name, style in (("right, other shops", "-"), ("nearest mean, other shops", ":")):
            axes.plot(shown, [row[name] for row in rows], style, color=MAIN, marker="o", label=name)
        axes.set(xscale="log", xlabel="photos a category", ylabel="%", ylim=(0, 100))
        axes.legend()

    plot("teaching-accuracy", draw_accuracy)


def judge(
    bundle: Bundle, slugs: Sequence[str], shots: int, draw: int, tests: dict[str, Photos], strangers: Photos
) -> dict[str, float]:
    """Teach with `shots` photos a category and return shares of the test photos."""
    examples, labels = draw_examples(bundle.folder, slugs, shots, draw)
    taxonomy = Taxonomy(tuple(taught_category([slug]) for slug in slugs))
    known = read_known(bundle)
    start = known.without_categories(len(slugs)) if known else None
    taught = teach(examples.features, labels, list(map(str, examples.paths)), bundle, taxonomy, start)
    means = np.stack([unit(examples.features[labels == label]).mean(axis=0) for label in range(len(slugs))])
    scale = take_roots(examples.features).std(axis=0).clip(min=1e-3)

    def roots(features: Array) -> Array:
        return np.asarray(take_roots(features) / scale)

    regression = LogisticRegression(C=0.01).fit(roots(examples.features), labels)
    found = {}
    for split, name in ((SAME, "same shops"), (OTHER, "other shops")):
        test = tests[split]
        truth = test.labels(slugs)
        found[f"right, {name}"] = (taught.head.logits(test.features).argmax(axis=1) == truth).mean()
        found[f"logistic regression, {name}"] = (regression.predict(roots(test.features)) == truth).mean()
        found[f"nearest mean, {name}"] = (
            (unit(test.features) @ unit(means).T).argmax(axis=1) == truth
        ).mean()
    answers = answer(bundle, taxonomy, taught, tests[OTHER].features)
    right = [one.guesses[0].category.path[0] == slug for one, slug in
             zip(answers, tests[OTHER].slugs.tolist(), strict=True)]  # fmt: skip
    sure = [one.verdict is Verdict.SURE for one in answers]
    found["sure, other shops"] = np.mean(sure)
    found["right of the sure"] = np.mean(
        [ok for ok, is_sure in zip(right, sure, strict=True) if is_sure] or [0]
    )
    of_strangers = [one.verdict for one in answer(bundle, taxonomy, taught, strangers.features)]
    found["strangers called sure"] = np.mean([one is Verdict.SURE for one in of_strangers])
    found["strangers said to be none"] = np.mean([one is Verdict.NO_CATEGORY for one in of_strangers])
    return {name: float(value) for name, value in found.items()}


def answer(bundle: Bundle, taxonomy: Taxonomy, taught: Taught, features: Array) -> list[Prediction]:
    """Answer as the taught bundle would."""
    own = Bundle(**{**vars(bundle), "taxonomy": taxonomy, "temperature": taught.temperature,
                    "thresholds": taught.thresholds})  # fmt: skip
    return [predict(row, own) for row in taught.head.logits(features)]


def measure_beside(folder: Path) -> None:
    """Add new categories to the old ones, and see what the old ones lose."""
    bundle, slugs = load_bundle(folder), new_slugs(folder)
    known = read_known(bundle)
    if not known:
        print(
            f"{bundle.model} does not say what it knows: flask calibrate --data {DATA} --model {bundle.model}"
        )
        return
    old = [category.slug for category in bundle.taxonomy.categories]
    val, new = read(folder, "val", old), {split: read(folder, split, slugs) for split in (SAME, OTHER)}
    start, head = known.limited_to(WEIGHT_OF_KNOWN), read_head(bundle)
    before = (head.logits(val.features).argmax(axis=1) == val.labels(old)).mean()
    rows = []
    for count in (5, 20, len(slugs)):
        part = slugs[:: max(1, len(slugs) // count)][:count]
        examples, labels = draw_examples(folder, part, 10, 0)
        taxonomy = Taxonomy((*bundle.taxonomy.categories, *(taught_category([slug]) for slug in part)))
        beside = Beside(head, start)
        started = start.among(len(taxonomy), np.arange(len(old)))
        products = list(map(str, examples.paths))
        taught = teach(examples.features, labels + len(old), products, bundle, taxonomy, started, beside)
        row = {"new categories": len(part), "old ones right before": before * 100,
               "old ones right after": right_share(taught, val, [*old, *part])}  # fmt: skip
        for split, test in new.items():
            rows_of = np.isin(test.slugs, part)
            kept = Photos([], test.features[rows_of], test.slugs[rows_of])
            row[f"new ones right, {split}"] = (
                right_share(taught, kept, [*old, *part]) if rows_of.any() else 0.0
            )
        rows.append(row)
    save("teaching-beside", f"Categories added to the {len(old)} of {bundle.model}, 10 photos each", rows, (
        f"In percent; the old ones on the {len(val.paths)} photos of val."
    ))  # fmt: skip


def right_share(taught: Taught, photos: Photos, slugs: Sequence[str]) -> float:
    """Return the share of photos that are answered right, in percent."""
    return float((taught.head.logits(photos.features).argmax(axis=1) == photos.labels(slugs)).mean()) * 100


def measure_training(folder: Path) -> None:
    """Train all layers on the same photos with `flask train`, which takes its time, and judge it likewise."""
    bundle, slugs = load_bundle(folder), new_slugs(folder)
    examples, _ = draw_examples(folder, slugs, TRAINED_WITH, 0)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for path in [
            *examples.paths,
            *(path for slug in slugs for path in (DATA / OTHER / slug).glob("*.jpg")),
        ]:
            split = "val" if OTHER in path.parts else "train"
            link = root / split / path.parent.name / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        with (DATA / "taxonomy.csv").open() as whole, (root / "taxonomy.csv").open("w") as part:
            every = csv.DictReader(whole)
            writer = csv.DictWriter(part, every.fieldnames or ())
            writer.writeheader()
            writer.writerows(row for row in every if row["slug"] in slugs)
        started = time.perf_counter()
        command = ["-m", "flask", "--app", "wsgi", "train", "--data", str(root), "--init", str(folder),
                   "--arch", bundle.architecture, "--out", str(root / "own")]  # fmt: skip
        subprocess.run([sys.executable, *command], check=True, cwd=ROOT)
        seconds = time.perf_counter() - started
        metrics = read_manifest(root / "own")["metrics"]
    save("teaching-training", f"`flask train` on {TRAINED_WITH} photos of each of {len(slugs)} categories",
         [{"right, other shops": metrics["top1"] * 100, "seconds": seconds}])  # fmt: skip


def measure_cost(folder: Path) -> None:
    """Teach made-up features of more and more photos and categories, each in a process of its own."""
    rows = []
    for photos, classes in COSTS:
        with get_context("spawn").Pool(1) as pool:
            seconds, megabytes = pool.apply(cost, (folder, photos, classes))
        rows.append({"photos": photos, "categories": classes, "seconds": seconds, "MB": megabytes})
    save("teaching-cost", "The cost of teaching, once the features are known", rows, (
        "Fit, cross-validation and thresholds. MB: the most that the process held, features included "
        "(5 KB a photo)."
    ))  # fmt: skip

    def draw_cost(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        for axes, name in ((left, "seconds"), (right, "MB")):
            axes.plot([row["photos"] for row in rows], [row[name] for row in rows], "o", color=MAIN)
            axes.set(xscale="log", yscale="log", xlabel="photos", ylabel=name)

    plot("teaching-cost", draw_cost)


def cost(folder: Path, photos: int, classes: int) -> tuple[float, float]:
    """Teach made-up features; return the seconds and the megabytes of this process at its largest."""
    bundle = load_bundle(folder)
    known = read_known(bundle)
    channels = len(known.spread) if known else 1280
    random = np.random.default_rng(1)
    labels = np.arange(photos) % classes
    features = random.exponential(0.3, (photos, channels)).astype(np.float32)
    features += random.exponential(0.3, (classes, channels)).astype(np.float32)[labels]
    taxonomy = Taxonomy(tuple(taught_category([str(number)]) for number in range(classes)))
    started = time.perf_counter()
    teach(features, labels, range(photos), bundle, taxonomy, known and known.without_categories(classes))
    return time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def new_slugs(folder: Path) -> list[str]:
    """List the categories that the network does not know and of which there are enough photos."""
    known = load_bundle(folder).taxonomy.class_of
    with (DATA / "taxonomy.csv").open() as file:
        slugs = [row["slug"] for row in csv.DictReader(file) if row["slug"] not in known]
    return [slug for slug in slugs if len(list((DATA / "train" / slug).glob("*.jpg"))) >= max(SHOTS)]


def draw_examples(folder: Path, slugs: Sequence[str], shots: int, draw: int) -> tuple[Photos, Labels]:
    """Draw this many photos of each category; a larger draw holds the smaller ones."""
    chosen = []
    for slug in slugs:
        paths = sorted((DATA / "train" / slug).glob("*.jpg"))
        order = np.random.default_rng(draw).permutation(len(paths))[:shots]
        chosen += [paths[place] for place in order.tolist()]
    photos = embed(folder, tuple(chosen))
    return photos, photos.labels(slugs)


def read(folder: Path, split: str, slugs: Sequence[str]) -> Photos:
    """Read the photos of a split in these categories."""
    return embed(
        folder, tuple(path for slug in slugs for path in sorted((DATA / split / slug).glob("*.jpg")))
    )


@cache
def embed(folder: Path, paths: tuple[Path, ...]) -> Photos:
    """Return photos with their features, which are kept for the next run."""
    service = open_service(folder)
    cache_ = FeatureCache(ROOT / "instance" / FILE, service.wait())
    features = [one for _, one in embed_files(service, paths, cache_) if not isinstance(one, AppError)]
    return Photos(paths, np.stack(features), np.array([path.parent.name for path in paths]))


@cache
def open_service(folder: Path) -> ModelService:
    """Open the network once."""
    return ModelService(folder)


def unit(vectors: Array) -> Array:
    """Return vectors [n, channels] of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
