"""Write a taught head as a bundle like any other: the network of its base with the head in its graph."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as ops

from app.recognition.bundle import SERVING_MODEL, SERVING_WEIGHTS, TAXONOMY, Bundle, write_manifest
from app.recognition.engines import evaluate, find_head
from app.recognition.taxonomy import Taxonomy, write_taxonomy
from app.teaching.head import Head
from app.teaching.known import write_known
from app.teaching.teach import Taught

FILES = (TAXONOMY, SERVING_MODEL, SERVING_WEIGHTS)  # the base keeps the Keras weights


def write_taught(folder: Path, base: Bundle, taxonomy: Taxonomy, taught: Taught, photos: int) -> None:
    """Write the bundle of a head taught with so many `photos` to `folder`, in place of a bundle there.

    The folder's name is the model's id. Raises BundleError for a damaged base, and OSError.
    """
    unfinished = folder.with_name(f".{folder.name}.unfinished") / folder.name
    shutil.rmtree(unfinished.parent, ignore_errors=True)
    unfinished.mkdir(parents=True)
    write_taxonomy(unfinished / TAXONOMY, taxonomy.categories)
    openvino.save_model(put_on(base, taught.head), unfinished / SERVING_MODEL, compress_to_fp16=False)
    write_manifest(unfinished, _manifest(folder.name, base, taxonomy, taught, photos), FILES)
    write_known(unfinished, taught.known)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    unfinished.parent.rmdir()


def put_on(base: Bundle, head: Head) -> openvino.Model:
    """Build the serving network of `base` with another head. Raises BundleError."""
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # the base may be replaced by what is taught
    model = core.read_model(base.file(SERVING_MODEL), base.file(SERVING_WEIGHTS))
    # All that is new has a name, as OpenVINO would count up names in a process: the file should repeat.
    shape = ops.constant(np.array([-1, head.weights.shape[1]]), name="taught/shape")
    flat = ops.reshape(find_head(model).pooled, shape, False, name="taught/flat")
    roots = ops.sqrt(ops.relu(flat, name="taught/positive"), name="taught/roots")
    inputs, matrix = roots, head.weights
    if head.linear is not None:
        inputs = ops.concat([flat, roots], 1, name="taught/both")
        matrix = np.concatenate([head.linear, head.weights], axis=1)
    weights = ops.constant(matrix, name="taught/weights")
    biases = ops.constant(head.biases[None], name="taught/biases")
    product = ops.matmul(inputs, weights, False, True, name="taught/product")
    logits = ops.result(ops.add(product, biases, name="taught/sum"), name="taught/logits")
    return openvino.Model([logits], model.get_parameters(), model.get_friendly_name())


def read_head(bundle: Bundle) -> Head:
    """Read the head from the serving network of a bundle. Raises BundleError."""
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})
    model = core.read_model(bundle.file(SERVING_MODEL), bundle.file(SERVING_WEIGHTS))
    found = find_head(model)
    [taker] = found.dense.output(0).get_target_inputs()
    matrix, biases = evaluate(found.weights), evaluate(taker.get_node().input_value(1)).ravel()
    linear, weights = np.split(matrix, 2, axis=1) if found.takes_both else (matrix, np.zeros_like(matrix))
    if found.takes_roots and not found.takes_both:
        return Head(matrix, biases)
    return Head(weights, biases, linear)


def _manifest(model: str, base: Bundle, taxonomy: Taxonomy, taught: Taught, photos: int) -> dict[str, Any]:
    calibrated = {"calibrated_on": len(taught.rows)} if len(taught.rows) else {}
    return {
        "model": model,
        "base": base.manifest.get("base", base.model),
        "taxonomy": taxonomy.version,
        "preprocessing": vars(base.preprocessing),
        "temperature": taught.temperature,
        "thresholds": asdict(taught.thresholds) if len(taught.rows) else {},
        **calibrated,
        "licence": f"of the photos it was taught with, and {base.model}: {base.manifest.get('licence')}",
        "architecture": base.architecture,
        "training": {
            "data": f"{photos} photos taught to {base.model}, whose network stayed as it was under a new head"
        },
        "classes": [category.category_id for category in taxonomy.categories],
    }
