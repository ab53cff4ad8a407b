"""A bundle of the shipped categories whose network starts in no time: for tests of all but its answers."""

import json
import shutil
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as ops

from app.recognition.bundle import KERAS_WEIGHTS, MANIFEST, SERVING_MODEL, TAXONOMY, write_manifest
from app.settings import DEFAULT_MODEL, ROOT

SIDE = 32  # px
FEATURES = 8


def write_small_bundle(weights: Path) -> Path:
    """Write the bundle to the folder `weights`, under the name of the default network; return its folder.

    The answers come from the mean of a convolution by OpenVINO, as those of the shipped network do, and all
    but its files is the shipped bundle's own: categories, thresholds, figures. Its weights are drawn by lot.
    """
    shipped, folder = ROOT / "weights" / DEFAULT_MODEL, weights / DEFAULT_MODEL
    folder.mkdir(parents=True)
    manifest = json.loads((shipped / MANIFEST).read_text(encoding="utf-8"))
    del manifest["files"]
    shutil.copy(shipped / TAXONOMY, folder)
    (folder / KERAS_WEIGHTS).touch()  # nobody trains on
    openvino.save_model(_network(len(manifest["classes"])), folder / SERVING_MODEL)
    write_manifest(folder, manifest | {"preprocessing": {"side": SIDE, "scale": 1 / 127.5, "offset": -1.0}})
    return folder


def _network(classes: int) -> openvino.Model:
    """Build float32 [n, side, side, 3] -> logits float32 [n, classes]."""
    random = np.random.default_rng(1)
    photos = ops.parameter([-1, SIDE, SIDE, 3], np.float32)
    planes = ops.transpose(photos, ops.constant(np.array([0, 3, 1, 2])))
    kernel = ops.constant(random.normal(0, 0.1, (FEATURES, 3, 4, 4)).astype(np.float32))
    found = ops.relu(ops.convolution(planes, kernel, [4, 4], [0, 0], [0, 0], [1, 1]))
    pooled = ops.reduce_mean(found, ops.constant(np.array([2, 3])), keep_dims=False)
    head = ops.constant(random.normal(size=(classes, FEATURES)).astype(np.float32))
    biases = ops.constant(random.normal(0, 0.1, (1, classes)).astype(np.float32))
    logits = ops.add(ops.matmul(pooled, head, False, True), biases)
    return openvino.Model([logits], [photos], "small")
