"""Take a network elsewhere: in the formats of other runtimes, with all that an answer needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.errors import TrainingError
from app.recognition.bundle import KERAS_WEIGHTS, SERVING_MODEL, SERVING_WEIGHTS, Bundle, load_bundle
from app.recognition.network import build_network

if TYPE_CHECKING:
    import keras

ABOUT, EXAMPLE = "model.json", "example.py"
TEMPLATE = '''"""Name the four most likely categories of a photo: python example.py PHOTO"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
{imports}
here = Path(__file__).parent
about = json.loads((here / "model.json").read_text(encoding="utf-8"))
side = about["input"]["side"]
photo = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGB")
size = tuple(max(1, round(length * side / max(photo.size))) for length in photo.size)
square = Image.new("RGB", (side, side), "white")
small = photo.resize(size, Image.Resampling.BICUBIC, reducing_gap=2)
square.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
pixels = np.asarray(square, np.float32)[None]
{run}
powers = np.exp((logits[0] - logits[0].max()) / about["temperature"])
for place in np.argsort(-powers)[:4]:
    print(f"{{powers[place] / powers.sum():.4f}} {{about['categories'][place]['name']}}")
'''


def export_bundle(bundle: Bundle, name: str, out: Path) -> None:
    """Write the network of `bundle` in a format of `FORMATS` to the new folder `out`.

    Raises TrainingError if the folder is not empty, and BundleError.
    """
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise TrainingError(f"{out} is not empty. Name a new folder.")
    file, write, imports, run = FORMATS[name]
    write(bundle, out / file)
    example = TEMPLATE.format(imports=imports, run=run.replace("FILE", file))
    (out / EXAMPLE).write_text(example, encoding="utf-8")
    text = json.dumps(describe(bundle, file), indent=1, ensure_ascii=False)
    (out / ABOUT).write_text(text + "\n", encoding="utf-8")


def describe(bundle: Bundle, file: str) -> dict[str, Any]:
    """Return what a program must know to answer as the site does."""
    return {
        "model": bundle.model,
        "file": file,
        "taxonomy": bundle.taxonomy.version,
        "licence": bundle.manifest.get("licence"),
        "input": {
            "side": bundle.preprocessing.side,
            "shape": ["photos", bundle.preprocessing.side, bundle.preprocessing.side, 3],
            "values": "float32, red, green and blue from 0 to 255; the network scales them itself",
            "preparation": "upright, on white; longest side scaled to `side` (bicubic), centred on white",
        },
        "output": "logits, a row a photo, a column a category; softmax(logits / temperature) is calibrated",
        "temperature": bundle.temperature,
        "thresholds": vars(bundle.thresholds),
        "categories": [category.to_json() for category in bundle.taxonomy.categories],
    }


def build_whole(bundle: Bundle) -> keras.Model:
    """Build the network in Keras, from pixels 0..255 [n, side, side, 3] to logits. Raises BundleError."""
    import keras

    how = bundle.preprocessing
    pixels = keras.Input((how.side, how.side, 3), name="pixels")
    values = keras.layers.Rescaling(how.scale, how.offset)(pixels)
    if "base" not in bundle.manifest:
        network = build_network(bundle.architecture, len(bundle.taxonomy))
        network.load_weights(bundle.file(KERAS_WEIGHTS))
        return keras.Model(pixels, network(values))
    from app.teaching.export import read_head

    head, base = read_head(bundle), load_bundle(bundle.folder.with_name(bundle.manifest["base"]))
    network = build_network(base.architecture, len(base.taxonomy))
    network.load_weights(base.file(KERAS_WEIGHTS))
    pooled = keras.Model(network.input, network.layers[-1].input)(values)
    roots = keras.ops.sqrt(keras.ops.relu(pooled))
    dense = keras.layers.Dense(len(bundle.taxonomy), name="logits")
    logits = dense(roots if head.linear is None else keras.ops.concatenate([pooled, roots], axis=1))
    weights = head.weights if head.linear is None else np.concatenate([head.linear, head.weights], axis=1)
    dense.set_weights([weights.T, head.biases])
    return keras.Model(pixels, logits)


def _write_openvino(bundle: Bundle, path: Path) -> None:
    import openvino
    from openvino.preprocess import PrePostProcessor

    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})
    model = core.read_model(bundle.file(SERVING_MODEL), bundle.file(SERVING_WEIGHTS))
    how, processor = bundle.preprocessing, PrePostProcessor(model)
    processor.input().preprocess().mean(-how.offset / how.scale).scale(1 / how.scale)
    openvino.save_model(processor.build(), path, compress_to_fp16=False)


def write_onnx(network: keras.Model, side: int, path: Path) -> None:
    """Write a network to an ONNX file; its input is float32 [n, side, side, 3] and called "pixels"."""
    import tensorflow as tf
    import tf2onnx
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    # Keras' own export turns constants of some layers into inputs that nobody can feed.
    spec = tf.TensorSpec((None, side, side, 3), tf.float32, name="pixels")
    function = tf.function(lambda pixels: network(pixels, training=False)).get_concrete_function(spec)
    frozen = convert_variables_to_constants_v2(function)
    tf2onnx.convert.from_graph_def(
        frozen.graph.as_graph_def(),
        input_names=[tensor.name for tensor in frozen.inputs],
        output_names=[frozen.outputs[0].name],
        output_path=str(path),
    )


def _write_onnx(bundle: Bundle, path: Path) -> None:
    write_onnx(build_whole(bundle), bundle.preprocessing.side, path)


def _write_litert(bundle: Bundle, path: Path) -> None:
    build_whole(bundle).export(str(path), format="litert", verbose=False)


def _write_saved_model(bundle: Bundle, path: Path) -> None:
    build_whole(bundle).export(str(path), format="tf_saved_model", verbose=False)


# Of each format: the file, the function that writes it, and what the example imports and runs.
FORMATS: dict[str, tuple[str, Callable[[Bundle, Path], None], str, str]] = {
    "onnx": (
        "model.onnx",
        _write_onnx,
        "import onnxruntime\n",
        """network = onnxruntime.InferenceSession(here / "FILE")
logits = network.run(None, {network.get_inputs()[0].name: pixels})[0]""",
    ),
    "litert": (
        "model.tflite",
        _write_litert,
        "from ai_edge_litert.interpreter import Interpreter\n",
        """network = Interpreter(str(here / "FILE")).get_signature_runner()
[logits] = network(**{name: pixels for name in network.get_input_details()}).values()""",
    ),
    "openvino": (
        "model.xml",
        _write_openvino,
        "import openvino\n",
        """network = openvino.Core().compile_model(here / "FILE", "CPU")
logits = network([pixels])[0]""",
    ),
    "saved_model": (
        "model",
        _write_saved_model,
        "import tensorflow as tf\n",
        """network = tf.saved_model.load(here / "FILE")
logits = network.serve(pixels).numpy()""",
    ),
}
