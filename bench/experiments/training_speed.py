"""Measure how many photos a second training steps process, on random data.

PYTHONPATH=. python bench/experiments/training_speed.py inception_v3 SIDE BATCH [LAYER]

LAYER: train only the layers after it; by default, all layers.
"""

import sys
import time

import numpy as np

from app.recognition.network import build_network
from app.training.fit import Stage, compile_stage

CLASSES = 167
STEPS = 8


def main(architecture: str, side: int, batch_size: int, frozen_to: str = "") -> None:
    """Print the photos a second after two steps of warm-up."""
    network = build_network(architecture, CLASSES)
    compile_stage(network, Stage(frozen_to, 1, 1e-4, side), 100)
    random = np.random.default_rng(1)
    inputs = random.uniform(-1, 1, (batch_size, side, side, 3)).astype(np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[random.integers(0, CLASSES, batch_size)]
    for _ in range(2):
        network.train_on_batch(inputs, targets)
    started = time.perf_counter()
    for _ in range(STEPS):
        network.train_on_batch(inputs, targets)
    print(f"{batch_size * STEPS / (time.perf_counter() - started):.1f} photos a second")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
