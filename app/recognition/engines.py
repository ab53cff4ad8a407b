"""How the network of a bundle is run: OpenVINO to serve, Keras as the reference."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.errors import BundleError
from app.recognition.bundle import KERAS_WEIGHTS, SERVING_MODEL, Bundle
from app.recognition.network import build_network

Array = NDArray[np.float32]


class Engine(Protocol):
    """Runs a network; used from one thread at a time."""

    def run(self, batch: Array) -> Array:
        """Turn preprocessed photos float32 [n, side, side, 3] into logits float32 [n, classes]."""


class OpenVinoEngine:
    """The serving network on the CPU through OpenVINO."""

    def __init__(self, bundle: Bundle) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(bundle.folder / SERVING_MODEL)
        classes = model.output(0).partial_shape[1].get_length()
        if classes != len(bundle.taxonomy):
            raise BundleError(f"{SERVING_MODEL} has {classes} classes, taxonomy.csv {len(bundle.taxonomy)}.")
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": usable_cores(),
            "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where there is one, and other answers there
        }
        self._request = core.compile_model(model, "CPU", hints).create_infer_request()

    def run(self, batch: Array) -> Array:
        """Turn preprocessed photos float32 [n, side, side, 3] into logits float32 [n, classes]."""
        outputs = self._request.infer([batch])
        return np.array(outputs[0], np.float32)  # a copy: the request reuses its memory


class KerasEngine:
    """The float network through Keras, TensorFlow by default: what serving is measured against."""

    def __init__(self, bundle: Bundle) -> None:
        self._network = build_network(bundle.architecture, len(bundle.taxonomy))
        self._network.load_weights(bundle.folder / KERAS_WEIGHTS)

    def run(self, batch: Array) -> Array:
        """Turn preprocessed photos float32 [n, side, side, 3] into logits float32 [n, classes]."""
        return np.asarray(self._network.predict_on_batch(batch), np.float32)


ENGINES: dict[str, Callable[[Bundle], Engine]] = {"openvino": OpenVinoEngine, "keras": KerasEngine}


def usable_cores() -> int:
    """Count the cores this process may use, shared out among gunicorn's WEB_CONCURRENCY workers."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = int(os.environ.get("WEB_CONCURRENCY") or 1)
    return max(1, cores // max(1, workers))
