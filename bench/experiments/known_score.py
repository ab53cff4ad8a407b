"""Compare scores that tell photos of products from others, at equal false alarms. Prints a Markdown table.

PYTHONPATH=. python bench/experiments/known_score.py weights/efficientnetv2-b0 DATA

"Marked" is the share of photos in DATA/not_product that score below the 5th percentile of val.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.data.dataset import read_folder
from app.recognition.bundle import KNOWN, Bundle, load_bundle
from app.recognition.engines import OpenVinoEngine
from app.recognition.photos import open_photo
from app.recognition.prediction import calibrate, known_score
from app.recognition.preprocess import preprocess

SCORES: dict[str, Callable[[Any], Any]] = {
    "generalised entropy (GEN, taken)": known_score,
    "largest probability (Hendrycks & Gimpel 2017)": lambda logits: calibrate(logits, 1.0).max(),
    "largest logit (Hendrycks et al. 2022)": np.max,
    "energy (Liu et al. 2020)": lambda logits: np.logaddexp.reduce(logits.astype(float)),
}


def main(folder: Path, data: Path) -> None:
    """Run the network once on all photos, and each score on its logits."""
    bundle = load_bundle(folder)
    photos = read_folder(data, "val", bundle.taxonomy)
    others = sorted((data / "not_product").glob("*.jpg"))
    products = run(bundle, (photos.open(row) for row in range(len(photos))))
    strangers = run(bundle, (open_photo(path.read_bytes()) for path in others))
    print(f"{len(products)} products, {len(strangers)} other photos\n\n| score | marked |\n|---|---:|")
    for name, score in SCORES.items():
        threshold = np.quantile([score(logits) for logits in products], 1 - KNOWN)
        print(f"| {name} | {np.mean([score(logits) < threshold for logits in strangers]):.3f} |")


def run(bundle: Bundle, photos: Iterable[Image.Image]) -> np.ndarray:
    """Return the logits [n, classes] of photos."""
    engine = OpenVinoEngine(bundle)
    return np.concatenate([engine.run(preprocess(photo, bundle.preprocessing)[None]) for photo in photos])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
