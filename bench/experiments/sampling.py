"""Compare rules of how often training shows each category and data set. Prints a Markdown table.

PYTHONPATH=. python bench/experiments/sampling.py WEIGHTS DATA

WEIGHTS: a file of EfficientNetV2-B0 without a head, as for `flask train --init`. Linear heads learn from its
frozen features at 224 px, from photos sampled by each rule. The photos held out of train measure them.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from app.data.dataset import read_folder, split_calibration
from app.recognition.network import ARCHITECTURES, build_base
from app.recognition.taxonomy import read_taxonomy
from app.training.convert import to_openvino
from app.training.loader import weigh
from app.training.soft_labels import FrozenNetwork, cross_fit, pooled_features

ARCHITECTURE, SIDE = "efficientnetv2_b0", 224
EPOCHS = 4  # enough for every rule to show nearly every photo
RULES = {"as they come": 1.0, "square roots (taken)": 0.5, "all equal": 0.0}


def main(weights: str, data: Path) -> None:
    """Compute the features once, and fit a head for each rule."""
    photos = read_folder(data, "train", read_taxonomy(data / "taxonomy.csv"))
    features = pooled_features(frozen(weights), photos)
    trained, held_out = (part.numbers for part in split_calibration(photos))
    labels, sources = photos.labels[held_out], photos.sources[held_out]
    print("| shown | top-1 | mean of categories | mean of data sets | top-4 |\n|---|---:|---:|---:|---:|")
    for name, exponent in RULES.items():
        share = weigh(photos.subset(trained), exponent)
        sampled = trained[sample(share)]
        rows = np.concatenate([sampled, held_out])
        learnt = np.arange(len(rows)) < len(sampled)
        answers = cross_fit(features[rows], photos.labels[rows], learnt)[len(sampled) :]
        best4 = np.argsort(-answers, axis=1)[:, :4] == labels[:, None]
        first = best4[:, 0]
        means = (np.mean([first[by == one].mean() for one in np.unique(by)]) for by in (labels, sources))
        figures = (first.mean(), *means, best4.any(axis=1).mean())
        print(f"| {name} | {' | '.join(f'{figure:.3f}' for figure in figures)} |", flush=True)


def sample(share: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draw photos for `EPOCHS` by systematic sampling, as training does: each as often as due, within 1."""
    ends = np.cumsum(share)
    points = (np.arange(EPOCHS * len(ends)) + 0.5) * (ends[-1] / (EPOCHS * len(ends)))
    return np.random.default_rng(1).permutation(np.searchsorted(ends, points))


def frozen(weights: str) -> FrozenNetwork:
    """Write the network without a head to the kind of file that `flask soften` takes, and load it."""
    base = build_base(ARCHITECTURE)
    base.load_weights(weights)
    path = Path(tempfile.mkdtemp()) / "base.xml"
    openvino.save_model(to_openvino(base, SIDE), path)
    return FrozenNetwork(path, ARCHITECTURES[ARCHITECTURE].preprocessing(SIDE))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
