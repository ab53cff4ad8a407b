"""Measure a network on photos whose white background is replaced by a piece of another photo.

PYTHONPATH=. python bench/experiments/backdrops.py DATA weights/efficientnetv2-b0

Skips photos without a white background. Prints a Markdown table: top-1 and top-4 of the same photos.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from app.data.dataset import PhotoSet, read_folder, split_calibration
from app.recognition.bundle import Bundle, load_bundle
from app.recognition.engines import OpenVinoEngine
from app.recognition.preprocess import preprocess
from app.training.augment import change_backdrop


def main(data: Path, folder: Path) -> None:
    """Measure the photos held out of train, then val."""
    bundle = load_bundle(folder)
    _, held_out = split_calibration(read_folder(data, "train", bundle.taxonomy))
    print("| photos | on white | before another backdrop |\n|---|---:|---:|")
    for name, photos in {
        "held out of train": held_out,
        "val": read_folder(data, "val", bundle.taxonomy),
    }.items():
        rows, changed = change_all(photos)
        labels = photos.labels[rows]
        as_they_are = rate(bundle, [photos.open(row) for row in rows], labels)
        print(f"| {name}: {len(rows)} | {as_they_are} | {rate(bundle, changed, labels)} |")


def change_all(photos: PhotoSet) -> tuple[list[int], list[Image.Image]]:
    """Replace the background of each photo that has a white one; return the rows and the new photos."""
    random = np.random.default_rng(0)
    others = random.permutation(len(photos))
    pairs = (
        (row, change_backdrop(photos.open(row), photos.open(others[row]), random))
        for row in range(len(photos))
    )
    changed = {row: photo for row, photo in pairs if photo}
    return list(changed), list(changed.values())


def rate(bundle: Bundle, photos: list[Image.Image], labels: np.ndarray) -> str:
    """Return top-1 and top-4 as "0.887 / 0.978"."""
    engine = OpenVinoEngine(bundle)
    logits = np.concatenate([engine.run(preprocess(photo, bundle.preprocessing)[None]) for photo in photos])
    right = np.argsort(-logits, axis=1)[:, :4] == labels[:, None]
    return f"{right[:, 0].mean():.3f} / {right.any(axis=1).mean():.3f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
