"""Measure a bundle's float network at several input sizes, on the photos held out of train.

PYTHONPATH=. python bench/experiments/served_side.py DATA weights/inception-v3 139 155 171 187 203
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.data.dataset import read_folder, split_calibration
from app.recognition.bundle import KERAS_WEIGHTS, load_bundle
from app.recognition.network import build_network
from app.recognition.preprocess import preprocess


def main(data: Path, folder: Path, sides: list[int]) -> None:
    """Print top-1 and top-4 at each size in px."""
    bundle = load_bundle(folder)
    network = build_network(bundle.architecture, len(bundle.taxonomy))
    network.load_weights(folder / KERAS_WEIGHTS)
    _, held_out = split_calibration(read_folder(data, "train", bundle.taxonomy))
    labels = held_out.labels
    for side in sides:
        how = replace(bundle.preprocessing, side=side)
        with ThreadPoolExecutor() as pool:
            photos = pool.map(lambda row, how=how: preprocess(held_out.open(row), how), range(len(held_out)))
            inputs = np.stack(list(photos))
        logits = network.predict(inputs, batch_size=64, verbose=0)
        right = np.argsort(-logits, axis=1)[:, :4] == labels[:, None]
        print(f"{side} px: top-1 {right[:, 0].mean():.3f}, top-4 {right.any(axis=1).mean():.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [int(side) for side in sys.argv[3:]])
