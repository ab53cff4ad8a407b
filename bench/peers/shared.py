"""What all peers do alike: the same weights, the same preprocessing, the 4 best categories."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.recognition.bundle import KERAS_WEIGHTS, load_bundle
from app.recognition.preprocess import preprocess

bundle = load_bundle(Path(os.environ["BUNDLE"]))


def network() -> Any:
    """Build the network in Keras and load its weights."""
    from app.recognition.network import build_network

    network = build_network(bundle.architecture, len(bundle.taxonomy))
    network.load_weights(bundle.folder / KERAS_WEIGHTS)
    return network


def prepare(photo: Image.Image) -> np.ndarray:
    return preprocess(photo.convert("RGB"), bundle.preprocessing)


def answer(logits: np.ndarray) -> dict[str, float]:
    """Return the 4 best categories with their probabilities."""
    powers = np.exp(logits - logits.max())
    best = np.argsort(-powers)[:4]
    return {bundle.taxonomy.categories[n].name_en: float(powers[n] / powers.sum()) for n in best}
