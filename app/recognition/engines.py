"""The engines that run a bundle's network: OpenVINO for serving, Keras as the reference."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from app.errors import BundleError
from app.recognition.bundle import KERAS_WEIGHTS, SERVING_MODEL, SERVING_WEIGHTS, Bundle
from app.recognition.cores import usable_cores, visible_cores
from app.recognition.network import build_network

if TYPE_CHECKING:
    import openvino

Array = NDArray[np.float32]
NICENESS = 10


class Look(NamedTuple):
    """A network's logits for one photo and where they come from: all after the last feature map is linear.

    `logits` [classes]; `features` [height, width, channels]; `weights` [classes, channels] of the dense
    layer, minus their mean over the classes. logits - logits.mean() equals the mean of features @ weights.T
    over height and width, plus biases - biases.mean(). A taught head takes the roots of the pooled features;
    its `weights` are divided by these roots, so that the sum stays the same.
    """

    logits: Array
    features: Array
    weights: Array


class Engine(Protocol):
    """Runs a network."""

    def run(self, batch: Array) -> Array:
        """Turn preprocessed photos float32 [n, side, side, 3] into logits [n, classes]. Safe for threads."""

    def look(self, photo: Array) -> Look:
        """Run the network on one preprocessed photo float32 [side, side, 3]. Safe for threads."""

    def embed(self, photo: Array) -> Array:
        """Return the pooled features [channels] of one preprocessed photo. Safe for threads.

        They do not depend on other photos, nor on how many cores there are: OpenVINO computes each photo by
        itself on one core. On another processor they differ by rounding.
        """


class OpenVinoEngine:
    """The serving network on the CPU with OpenVINO, in bfloat16 if the processor has it, else float32.

    bfloat16 changes the first answer to at most one photo in a hundred (docs/experiments.md). A lone run uses
    all cores and so answers soonest. In a crowd, each run has one core and waits for no other, which gives
    more photos a second (docs/performance.md); runs without a core wait for their turn.
    """

    def __init__(self, bundle: Bundle, cores: int | None = None) -> None:
        """Load a bundle's network for `cores` cores, by default all that the process may use."""
        import openvino

        model = openvino.Core().read_model(bundle.file(SERVING_MODEL), bundle.file(SERVING_WEIGHTS))
        classes = model.output(0).partial_shape[1].get_length()
        if classes != len(bundle.taxonomy):
            raise BundleError(f"{SERVING_MODEL} has {classes} classes, taxonomy.csv {len(bundle.taxonomy)}.")
        head = find_head(model)
        self._channels, self._takes_roots = head.channels, head.takes_roots
        self._weights = centre(evaluate(head.weights))
        model.add_outputs([head.features, head.pooled])
        cores = cores or usable_cores()
        alone = _compile(model, 1, cores)
        self._requests = _Requests(alone, _compile(model, cores, cores) if cores > 1 else alone)
        self._pool = ThreadPoolExecutor(cores, "network", step_back)
        self._runs = 0  # that run or wait
        self._counting = threading.Lock()
        self._looking = alone.create_infer_request()
        self._lock = threading.Lock()
        for request in (self._requests.alone, self._requests.crowded):
            request.infer([_nothing(bundle)])

    def run(self, batch: Array) -> Array:
        with self._counted():
            return self._pool.submit(self._run, batch).result()

    def look(self, photo: Array) -> Look:
        with self._lock:
            outputs = self._looking.infer([photo[None]])
            logits, features, pooled = (np.array(outputs[number][0], np.float32) for number in range(3))
        weights = weigh_roots(self._weights, pooled.ravel()) if self._takes_roots else self._weights
        return Look(logits, np.moveaxis(features, self._channels - 1, -1), weights)

    def embed(self, photo: Array) -> Array:
        return self._pool.submit(self._embed, photo).result()

    def _embed(self, photo: Array) -> Array:
        return np.array(self._requests.crowded.infer([photo[None]])[2], np.float32).ravel()

    def _run(self, batch: Array) -> Array:
        request = self._requests.alone if self._runs == 1 else self._requests.crowded
        return np.array(request.infer([batch])[0], np.float32)  # copied, as the request reuses its memory

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._counting:
            self._runs += 1
        try:
            yield
        finally:
            with self._counting:
                self._runs -= 1


class _Requests(threading.local):
    """The requests of one thread; its runs reuse their memory."""

    def __init__(self, alone: openvino.CompiledModel, crowded: openvino.CompiledModel) -> None:
        self.alone = alone.create_infer_request()
        self.crowded = crowded.create_infer_request()


class KerasEngine:
    """The float network in Keras, on TensorFlow by default: the reference for the serving network."""

    def __init__(self, bundle: Bundle) -> None:
        self._lock = threading.Lock()
        self._network = build_network(bundle.architecture, len(bundle.taxonomy))
        self._network.load_weights(bundle.file(KERAS_WEIGHTS))
        self.run(_nothing(bundle))

    def run(self, batch: Array) -> Array:
        with self._lock:
            return np.asarray(self._network.predict_on_batch(batch), np.float32)

    def look(self, photo: Array) -> Look:
        import keras

        pooling, dense = self._network.layers[-2:]
        both = keras.Model(self._network.input, [dense.output, pooling.input])
        logits, features = (
            np.asarray(output[0], np.float32) for output in both.predict_on_batch(photo[None])
        )
        return Look(logits, features, centre(np.asarray(dense.kernel, np.float32).T))

    def embed(self, photo: Array) -> Array:
        import keras

        pooled = keras.Model(self._network.input, self._network.layers[-1].input)
        return np.asarray(pooled.predict_on_batch(photo[None])[0], np.float32)


ENGINES: dict[str, Callable[[Bundle, int | None], Engine]] = {
    "openvino": OpenVinoEngine,
    "keras": lambda bundle, _cores: KerasEngine(bundle),
}


def step_back() -> None:
    """Give other threads of the process priority over this one and those that it starts.

    The network keeps every core busy for milliseconds at a time. Refusals and health checks should not wait
    for that. Only Linux gives each thread its own priority.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _compile(model: openvino.Model, streams: int, cores: int) -> openvino.CompiledModel:
    """Compile a network for `streams` runs at a time, which share `cores`."""
    import openvino

    hints = {
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": cores,
        "ENABLE_CPU_PINNING": cores
        == visible_cores(),  # else all processes would pin their threads to the first cores
    }
    return openvino.Core().compile_model(model, "CPU", hints)


def _nothing(bundle: Bundle) -> Array:
    """Make a blank photo for a first run, which prepares what all later runs use."""
    side = bundle.preprocessing.side
    return np.zeros((1, side, side, 3), np.float32)


class Head(NamedTuple):
    """The end of a serving network: one dense layer on globally pooled features, or on their roots.

    `features` is the feature map before pooling and `channels` its axis, `dense` the layer's product. A head
    that `takes_both` has weights for the features and behind them weights for their roots.
    """

    features: openvino.Output
    channels: int
    pooled: openvino.Output
    takes_roots: bool
    takes_both: bool
    dense: openvino.Node
    weights: openvino.Output


def find_head(model: openvino.Model) -> Head:
    """Find the head of a serving network."""
    dense = next(node for node in reversed(model.get_ordered_ops()) if node.get_type_name() == "MatMul")
    node = dense.input_value(0).get_node()
    takes_both = takes_roots = node.get_type_name() == "Concat"
    while node.get_type_name() != "ReduceMean":  # in int8, the pooled result is quantised first
        takes_roots |= node.get_type_name() == "Sqrt"
        node = node.input_value(0).get_node()
    axes = node.input_value(1).get_node().data
    (channels,) = {1, 2, 3} - {int(axis) % 4 for axis in axes}
    return Head(
        node.input_value(0), channels, node.output(0), takes_roots, takes_both, dense, dense.input_value(1)
    )


def evaluate(constant: openvino.Output) -> Array:
    """Return what is constant in a model in float32; it may store it in fewer bits."""
    import openvino

    request = openvino.Core().compile_model(openvino.Model([constant], []), "CPU").create_infer_request()
    return np.array(request.infer()[0], np.float32)


def centre(weights: Array) -> Array:
    """Subtract the mean over all classes: it shifts all logits alike and so says nothing of any class."""
    return np.asarray(weights - weights.mean(axis=0))


def weigh_roots(weights: Array, pooled: Array) -> Array:
    """Return by what to weigh pooled features [channels] in each class, where a head takes their roots.

    Takes its weights [classes, channels], before which stand those for the features themselves, if any.
    """
    roots = np.sqrt(pooled.clip(min=0))
    inverse = np.divide(1, roots, out=np.zeros_like(roots), where=roots > 0)
    channels = len(pooled)
    weighed: Array = weights[:, -channels:] * inverse
    return weighed if weights.shape[1] == channels else weighed + weights[:, :channels]
