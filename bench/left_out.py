"""Measure a bundle on the photos of the sources left out of its training, and list what it confuses there.

PYTHONPATH=. python bench/left_out.py DATA weights/efficientnetv2-b0

These sources choose a recipe and calibrate it, so they flatter it a little. Sources that chose nothing judge
it: flask evaluate --data DATA --elsewhere shops.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np

from app.data.dataset import read_folder, split_calibration
from app.recognition.bundle import load_bundle
from app.recognition.engines import OpenVinoEngine
from app.recognition.preprocess import preprocess

CONFUSIONS = 20


def main(data: Path, folder: Path) -> None:
    """Print top-1 and top-4 over all left-out sources and in each, then the commonest confusions."""
    bundle = load_bundle(folder)
    _, photos = split_calibration(read_folder(data, "train", bundle.taxonomy), bundle.held_out_sources)
    engine = OpenVinoEngine(bundle)
    logits = [
        engine.run(preprocess(photos.open(row), bundle.preprocessing)[None])[0] for row in range(len(photos))
    ]
    best = np.argsort(-np.array(logits), axis=1)[:, :4]
    right = best == photos.labels[:, None]
    _print_shares("all", right)
    for name, number in photos.source_names().items():
        _print_shares(name, right[photos.sources == number])
    slugs = [category.slug for category in bundle.taxonomy.categories]
    wrong = ~right[:, 0]
    pairs = Counter(zip(photos.labels[wrong].tolist(), best[wrong, 0].tolist(), strict=True))
    shown = Counter(photos.labels.tolist())
    for (truth, taken), count in pairs.most_common(CONFUSIONS):
        print(f"{slugs[truth]} taken for {slugs[taken]}: {count} of {shown[truth]}")


def _print_shares(name: str, right: np.ndarray) -> None:
    if len(right):
        top1, top4 = right[:, 0].mean(), right.any(axis=1).mean()
        print(f"{name}: {len(right)} photos, top-1 {top1:.3f}, top-4 {top4:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
