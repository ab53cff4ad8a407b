"""Time one photo through each engine with the real weights of a bundle. Prints a Markdown table.

PYTHONPATH=. python bench/engines.py weights/inception-v3 PHOTOS     PHOTOS: a folder to quantise LiteRT on
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import openvino
import tensorflow as tf

from app.recognition.bulk import find_photos
from app.recognition.bundle import KERAS_WEIGHTS, Bundle, load_bundle
from app.recognition.engines import OpenVinoEngine
from app.recognition.network import build_network
from app.recognition.photos import open_photo
from app.recognition.preprocess import preprocess
from app.training.convert import to_openvino

Run = Callable[[np.ndarray], object]
ROUNDS = 30
QUANTISATION_PHOTOS = 200


def main(folder: Path, photos: Path) -> None:
    """Measure all engines in turn, round by round, so that a slow moment hits each alike."""
    bundle = load_bundle(folder)
    network = build_network(bundle.architecture, len(bundle.taxonomy))
    network.load_weights(folder / KERAS_WEIGHTS)
    paths = find_photos([photos])
    spread = paths[:: max(1, len(paths) // QUANTISATION_PHOTOS)]
    inputs = [preprocess(open_photo(path.read_bytes()), bundle.preprocessing)[None] for path in spread]
    engines = dict(open_engines(bundle, network, inputs))
    times: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(ROUNDS + 3):
        for name, run in engines.items():
            started = time.perf_counter()
            run(inputs[number % len(inputs)])
            times[name].append((time.perf_counter() - started) * 1000)
    print(f"| engine, {bundle.preprocessing.side} px, batch 1 | median ms |\n|---|---:|")
    for name, values in sorted(times.items(), key=lambda item: statistics.median(item[1])):
        print(f"| {name} | {statistics.median(values[3:]):.1f} |")


def open_engines(bundle: Bundle, network: keras.Model, inputs: list[np.ndarray]) -> Iterator[tuple[str, Run]]:
    """Name each engine and give the function that runs it."""
    side = bundle.preprocessing.side
    signature = [keras.InputSpec(shape=(1, side, side, 3), dtype="float32")]
    yield "OpenVINO as shipped", OpenVinoEngine(bundle).run
    with tempfile.TemporaryDirectory() as temporary:
        model = to_openvino(network, side)
        for precision in ("f32", "bf16"):
            hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
            request = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()
            yield f"OpenVINO {precision}", lambda photo, request=request: request.infer([photo])
        yield "LiteRT float32", litert(network, f"{temporary}/float32.tflite", signature)
        yield (
            "LiteRT int8",
            litert(
                network,
                f"{temporary}/int8.tflite",
                signature,
                optimizations=[tf.lite.Optimize.DEFAULT],
                representative_dataset=lambda: ([photo] for photo in inputs),
            ),
        )
    yield "tf.function", tf.function(lambda photo: network(photo, training=False), reduce_retracing=True)
    yield "Keras model.predict", lambda photo: network.predict(photo, verbose=0)


def litert(network: keras.Model, path: str, signature: list[keras.InputSpec], **options: object) -> Run:
    """Convert `network` for LiteRT and return what runs it."""
    network.export(path, format="litert", verbose=False, input_signature=signature, **options)
    interpreter = tf.lite.Interpreter(path, num_threads=2)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    exit_ = interpreter.get_output_details()[0]["index"]

    def run(photo: np.ndarray) -> object:
        interpreter.set_tensor(entry, photo)
        interpreter.invoke()
        return interpreter.get_tensor(exit_)

    return run


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
