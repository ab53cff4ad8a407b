"""Compare scores that tell photos of known categories from others. Prints a Markdown table.

PYTHONPATH=. python bench/experiments/known_score.py weights/efficientnetv2-b0 DATA

The known ones are photos in DATA/train from sources that gave the network none, the unknown ones those of
categories that it does not know; DATA/not_product shows no product. "Marked" is the share that scores below
the 5th percentile of the known ones; the area is that under the ROC curve against them.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.data.dataset import source_of
from app.recognition.bundle import KNOWN, Bundle, load_bundle
from app.recognition.engines import OpenVinoEngine
from app.recognition.photos import open_photo
from app.recognition.prediction import calibrate, known_score
from app.recognition.preprocess import preprocess

MOST_KNOWN, MOST_UNKNOWN = 2000, 1500
SCORES: dict[str, Callable[[Any], Any]] = {
    "generalised entropy (GEN, Liu et al. 2023; taken)": known_score,
    "entropy": lambda logits: (calibrate(logits, 1.0) * np.log(calibrate(logits, 1.0) + 1e-12)).sum(),
    "largest probability (Hendrycks & Gimpel 2017)": lambda logits: calibrate(logits, 1.0).max(),
    "largest logit (Hendrycks et al. 2022)": np.max,
    "energy (Liu et al. 2020)": lambda logits: np.logaddexp.reduce(logits.astype(float)),
}


def main(folder: Path, data: Path) -> None:
    """Run the network once on all photos, and each score on its logits."""
    bundle, random = load_bundle(folder), np.random.default_rng(5)
    seen, classes = set(bundle.manifest["training"]["sources"]), bundle.taxonomy.class_of
    new = [path for path in sorted(data.glob("train/*/*.jpg")) if source_of(path) not in seen]
    known, unknown = (
        run(bundle, [paths[row] for row in sorted(random.permutation(len(paths))[:most])])
        for paths, most in (
            ([path for path in new if path.parent.name in classes], MOST_KNOWN),
            ([path for path in new if path.parent.name not in classes], MOST_UNKNOWN),
        )
    )
    none = run(bundle, sorted((data / "not_product").glob("*.jpg")))
    print(f"{len(known)} known, {len(unknown)} unknown, {len(none)} without a product\n")
    print("| score | unknown marked | area | no product marked | area |\n|---|---:|---:|---:|---:|")
    for name, score in SCORES.items():
        of_known, *others = ([score(row) for row in logits] for logits in (known, unknown, none))
        threshold = np.quantile(of_known, 1 - KNOWN)
        cells = [f"{np.mean(of < threshold):.3f} | {area(of_known, of):.3f}" for of in others]
        print(f"| {name} | {' | '.join(cells)} |")


def run(bundle: Bundle, paths: Sequence[Path]) -> np.ndarray:
    """Return the logits [n, classes] of photos."""
    engine = OpenVinoEngine(bundle)
    photos = (open_photo(path.read_bytes()) for path in paths)
    return np.concatenate([engine.run(preprocess(photo, bundle.preprocessing)[None]) for photo in photos])


def area(high: Sequence[float], low: Sequence[float]) -> float:
    """Return how often one of `high` exceeds one of `low`."""
    return float(np.mean(np.searchsorted(np.sort(low), high) / len(low)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
