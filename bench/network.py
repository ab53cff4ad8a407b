"""Time one photo in the site's service, in its engine alone and in other engines, with real weights.

PYTHONPATH=.:tests python bench/network.py     (with ONNX Runtime only in the peers' environment)
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import openvino
import tensorflow as tf
from measuring import CORES, DATA, bundles, in_turn, medians, save
from openvino import opset13 as opset

from app.recognition.bulk import find_photos
from app.recognition.bundle import KERAS_WEIGHTS, SERVING_MODEL, Bundle
from app.recognition.network import build_network
from app.recognition.photos import open_photo
from app.recognition.preprocess import preprocess
from app.recognition.service import ModelService
from app.training.convert import to_openvino

Array = np.ndarray
Run = Callable[[Array], Array]
ROUNDS = 30
QUANTISED_ON = 100
JUDGED_ON = 60
MATRIX_SIDE = 2048
SERVED, BARE, PREDICT = "in the site's service", "the engine alone", "Keras model.predict"


def main() -> None:
    """Measure every bundle in every engine."""
    rows = []
    for bundle in bundles():
        network = build_network(bundle.architecture, len(bundle.taxonomy))
        network.load_weights(bundle.folder / KERAS_WEIGHTS)
        rows += measure(bundle, network)
    float32, bfloat16 = (matrix_product(precision) for precision in ("f32", "bf16"))
    save("network", f"One photo through the network, batch 1, {CORES} threads", rows, (
        f"Medians of {ROUNDS} rounds in turn. The service adds the queue and the way between threads to the "
        "engine. Multiply-accumulates: those of the convolutions and the dense layer, so many billions a "
        f"second; products of square matrices by the same engine do {float32:.0f} in float32 and "
        f"{bfloat16:.0f} in bfloat16. Same first answer: as Keras in float32, on {JUDGED_ON} photos of val."
    ))  # fmt: skip


def measure(bundle: Bundle, network: keras.Model) -> list[dict[str, object]]:
    """Make one row for each engine of a bundle, fastest first."""
    quantised_on = inputs(bundle, "train", QUANTISED_ON)
    judged_on = inputs(bundle, "val", JUDGED_ON)
    with tempfile.TemporaryDirectory() as folder:
        engines = dict(open_engines(bundle, network, quantised_on, Path(folder)))
        works = {name: partial(run, judged_on[0]) for name, run in engines.items()}
        found = medians(in_turn(works, ROUNDS))
        expected = [np.argmax(engines[PREDICT](photo)) for photo in judged_on]
        same = {
            name: statistics.mean(
                int(np.argmax(run(photo)) == best) for photo, best in zip(judged_on, expected, strict=True)
            )
            for name, run in engines.items()
        }
    work = multiply_accumulates(network, bundle.preprocessing.side)
    return [
        {
            "network": bundle.model,
            "engine": name,
            "ms": milliseconds,
            "to the engine alone": milliseconds / found[BARE],
            "times as fast as model.predict": found[PREDICT] / milliseconds,
            "same first answer": same[name],
            "billion multiply-accumulates a second": work / milliseconds / 1e6,
        }
        for name, milliseconds in sorted(found.items(), key=lambda pair: pair[1])
    ]


def inputs(bundle: Bundle, split: str, count: int) -> list[Array]:
    """Preprocess some photos spread evenly over a split."""
    paths = find_photos([DATA / split]).photos
    spread = paths[:: max(1, len(paths) // count)][:count]
    return [preprocess(open_photo(path.read_bytes()), bundle.preprocessing)[None] for path in spread]


def open_engines(
    bundle: Bundle, network: keras.Model, photos: list[Array], folder: Path
) -> Iterator[tuple[str, Run]]:
    """Return the function that runs each engine, by name."""
    import nncf

    service = ModelService(bundle.folder)
    service.wait()
    assert service._network
    yield SERVED, service._network.run
    hint = {"PERFORMANCE_HINT": "LATENCY"}
    bare = openvino.Core().compile_model(bundle.folder / SERVING_MODEL, "CPU", hint).create_infer_request()
    yield BARE, partial(infer, bare)
    model = to_openvino(network, bundle.preprocessing.side)
    int8 = nncf.quantize(model.clone(), nncf.Dataset(photos), preset=nncf.QuantizationPreset.MIXED)
    for name, variant, precision in (
        ("OpenVINO float32", model, "f32"),
        ("OpenVINO bfloat16", model, "bf16"),
        ("OpenVINO int8 (nncf)", int8, "f32"),
    ):
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        request = openvino.Core().compile_model(variant, "CPU", hints).create_infer_request()
        yield name, partial(infer, request)
    yield "LiteRT float32", litert(bundle, network, folder / "float32.tflite")
    quantised = {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": lambda: ([photo] for photo in photos),
    }
    yield "LiteRT int8", litert(bundle, network, folder / "int8.tflite", **quantised)
    if find_spec("onnxruntime"):  # installed only in the peers' environment
        from onnx_models import onnx_engines

        yield from onnx_engines(network, photos, CORES, folder)
    yield "tf.function", tf.function(lambda photo: network(photo, training=False), reduce_retracing=True)
    yield PREDICT, lambda photo: network.predict(photo, verbose=0)


def infer(request: openvino.InferRequest, photo: Array) -> Array:
    return np.array(request.infer([photo])[0])


def litert(bundle: Bundle, network: keras.Model, path: Path, **options: object) -> Run:
    """Convert `network` for LiteRT and return the function that runs it."""
    side = bundle.preprocessing.side
    signature = [keras.InputSpec(shape=(1, side, side, 3), dtype="float32")]
    network.export(str(path), format="litert", verbose=False, input_signature=signature, **options)
    interpreter = tf.lite.Interpreter(str(path), num_threads=CORES)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    exit_ = interpreter.get_output_details()[0]["index"]

    def run(photo: Array) -> Array:
        interpreter.set_tensor(entry, photo)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(exit_))

    return run


def matrix_product(precision: str) -> float:
    """Return OpenVINO's peak rate in billions of multiply-accumulates a second."""
    values = np.random.default_rng(1).random((MATRIX_SIDE, MATRIX_SIDE), np.float32)
    photos = opset.parameter(values.shape, np.float32)
    model = openvino.Model([opset.matmul(photos, opset.constant(values), False, False)], [photos])
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    request = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()
    found = medians(in_turn({precision: lambda: request.infer([values])}, ROUNDS))
    return float(MATRIX_SIDE**3 / found[precision] / 1e6)


def multiply_accumulates(network: keras.Model, side: int) -> float:
    """Count the multiply-accumulates of all convolutions and dense layers for one photo."""
    total = 0.0
    shapes = keras.Model(network.input, [layer.output for layer in network.layers]).compute_output_shape(
        (1, side, side, 3)
    )
    for layer, shape in zip(network.layers, shapes, strict=True):
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        places = np.prod(shape[1:3]) if len(shape) == 4 else 1
        total += float(np.prod(kernel.shape)) * float(places)
    return total


if __name__ == "__main__":
    main()
