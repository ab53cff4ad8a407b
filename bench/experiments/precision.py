"""Compare a bundle's network in several precisions with float32, on photos of val. Prints a Markdown table.

PYTHONPATH=. python bench/experiments/precision.py weights/inception-v3 DATA

"Same 4" is the share of photos with the same set of 4 best categories; noise is the root mean square
difference of the logits, divided by their standard deviation.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import nncf
import numpy as np
import openvino

from app.data.dataset import PhotoSet, read_folder
from app.recognition.bundle import KERAS_WEIGHTS, load_bundle
from app.recognition.network import build_network
from app.recognition.preprocess import preprocess
from app.training.convert import to_openvino

Photos = list[np.ndarray]
CALIBRATED_ON, JUDGED_ON = 300, 464
RANKED_BY = 100
STEPS = 20  # that give layers back; each may rank all others again, for minutes
SAME_4 = 0.95  # share of photos to keep their four best categories
MIXED = nncf.QuantizationPreset.MIXED
CONVOLUTIONS = {"Convolution", "GroupConvolution", "MatMul"}
OTHERS = {"Add", "Multiply", "ReduceMean", "Sigmoid", "Swish"}


def main(folder: Path, data: Path) -> None:
    """Run each precision on the same photos, one after the other."""
    bundle = load_bundle(folder)
    network = build_network(bundle.architecture, len(bundle.taxonomy))
    network.load_weights(folder / KERAS_WEIGHTS)
    model = to_openvino(network, bundle.preprocessing.side)

    def prepare(split: str, count: int, first: int = 0) -> Photos:
        photos: PhotoSet = read_folder(data, split, bundle.taxonomy)
        rows = range(first, len(photos), max(1, len(photos) // count))
        return [preprocess(photos.open(row), bundle.preprocessing)[None] for row in rows]

    judged = prepare("val", JUDGED_ON)
    expected, milliseconds = run(model, judged, "f32")
    print("| precision | same top-1 | same 4 | noise | ms |\n|---|---:|---:|---:|---:|")
    print(f"| float32 | 1 | 1 | 0 | {milliseconds:.1f} |")
    calibration, chosen_by = prepare("train", CALIBRATED_ON), prepare("train", CALIBRATED_ON, first=1)
    for name, variant, hint in variants(model, nncf.Dataset(calibration), chosen_by):
        logits, milliseconds = run(variant, judged, hint)
        same1 = (logits.argmax(axis=1) == expected.argmax(axis=1)).mean()
        same4 = (best4(logits) == best4(expected)).all(axis=1).mean()
        noise = np.sqrt(((logits - expected) ** 2).mean()) / expected.std()
        print(f"| {name} | {same1:.3f} | {same4:.3f} | {noise:.3f} | {milliseconds:.1f} |", flush=True)


def variants(
    model: openvino.Model, photos: nncf.Dataset, chosen_by: Photos
) -> Iterator[tuple[str, openvino.Model, str]]:
    """Yield each variant with its name and the precision of what does not run in int8."""

    def quantise(**options: object) -> openvino.Model:
        return nncf.quantize(model.clone(), photos, subset_size=CALIBRATED_ON, **options)

    yield "bfloat16", model, "bf16"
    int8 = quantise(preset=MIXED)
    yield "int8", int8, "f32"
    yield "int8, preset PERFORMANCE", quantise(preset=nncf.QuantizationPreset.PERFORMANCE), "f32"
    yield "int8, bias correction layer by layer", quantise(preset=MIXED, fast_bias_correction=False), "f32"
    yield "int8 weights, float activations", with_float_activations(int8), "f32"
    nodes = model.get_ordered_ops()
    convolutions = [place for place, node in enumerate(nodes) if node.get_type_name() in CONVOLUTIONS]
    for count in (60, 30, 12, 4):
        rest = [
            node.get_friendly_name()
            for node in nodes[convolutions[count] :]
            if node.get_type_name() in CONVOLUTIONS | OTHERS
        ]
        scope = nncf.IgnoredScope(names=rest, validate=False)
        yield (
            f"int8 in the first {count} convolutions only",
            quantise(preset=MIXED, ignored_scope=scope),
            "f32",
        )

    accurate = accuracy_aware(model, photos, chosen_by)
    left = f"{count_roundings(accurate)} of {count_roundings(int8)} roundings left"
    yield f"int8, accuracy-aware, {left}", accurate, "f32"


def accuracy_aware(model: openvino.Model, photos: nncf.Dataset, chosen_by: Photos) -> openvino.Model:
    """Return layers to float, the most harmful first, until 95 % of `chosen_by` keep their 4 categories."""
    expected, _ = run(model, chosen_by, "f32")

    def same4(
        network: openvino.CompiledModel, rows: Iterable[tuple[np.ndarray, np.ndarray]]
    ) -> tuple[float, list[float]]:
        request = network.create_infer_request()
        same = [float((best4(request.infer([photo])[0]) == best).all()) for photo, best in rows]
        return float(np.mean(same)), same

    return nncf.quantize_with_accuracy_control(
        model.clone(),
        photos,
        nncf.Dataset(list(zip(chosen_by, best4(expected)[:, None], strict=True))),
        same4,
        max_drop=1 - SAME_4,
        preset=MIXED,
        subset_size=CALIBRATED_ON,
        advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
            max_num_iterations=STEPS, ranking_subset_size=RANKED_BY
        ),
    )


def count_roundings(model: openvino.Model) -> int:
    """Count where a model rounds to 8 bits."""
    return sum(node.get_type_name() == "FakeQuantize" for node in model.get_ordered_ops())


def with_float_activations(model: openvino.Model) -> openvino.Model:
    """Remove the rounding of activations from an int8 model; its weights stay rounded."""
    model = model.clone()
    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            node.output(0).replace(node.input_value(0))
    return model


def run(model: openvino.Model, photos: Photos, precision: str) -> tuple[np.ndarray, float]:
    """Return the logits of all photos, and the milliseconds of the fastest run of a single photo."""
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    request = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()
    logits, times = [], []
    for photo in photos:
        started = time.perf_counter()
        logits.append(np.array(request.infer([photo])[0]))
        times.append(time.perf_counter() - started)
    return np.concatenate(logits), min(times) * 1000


def best4(logits: np.ndarray) -> np.ndarray:
    """Return the 4 best categories of each photo as a sorted row."""
    return np.sort(np.argsort(-logits, axis=1)[:, :4], axis=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
