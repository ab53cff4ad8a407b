"""Convert a Keras network to the OpenVINO model that serves it, in float or in int8."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from app.data.dataset import PhotoSet
from app.recognition.preprocess import Preprocessing, preprocess

if TYPE_CHECKING:
    import keras
    import openvino

QUANTISATION_PHOTOS = 300


def to_openvino(network: keras.Model, side: int) -> openvino.Model:
    """Convert a network to OpenVINO: float32 [n, side, side, 3] -> logits float32 [n, classes]."""
    import keras
    import openvino

    with tempfile.TemporaryDirectory() as temporary:
        exported = Path(temporary) / "network.xml"
        signature = [keras.InputSpec(shape=(None, side, side, 3), dtype="float32")]
        network.export(str(exported), format="openvino", verbose=False, input_signature=signature)
        core = openvino.Core()
        core.set_property({"ENABLE_MMAP": False})  # the file goes with the folder
        model = core.read_model(exported)
    # TensorFlow's export also returns what it keeps for gradients, which would prevent fusions.
    model = openvino.Model([model.outputs[0].get_node()], model.get_parameters(), network.name)
    _fuse_transposes(model)
    return model


def quantise(model: openvino.Model, photos: PhotoSet, how: Preprocessing) -> openvino.Model:
    """Quantise weights and activations to int8, with ranges measured on some of `photos`."""
    import nncf

    spread = photos.subset(slice(None, None, max(1, len(photos) // QUANTISATION_PHOTOS)))
    inputs = nncf.Dataset([preprocess(spread.open_near(row)[1], how)[None] for row in range(len(spread))])
    preset = nncf.QuantizationPreset.MIXED  # activations are not symmetric about zero
    return nncf.quantize(model, inputs, subset_size=len(spread), preset=preset)


def _fuse_transposes(model: openvino.Model) -> None:
    """Remove each pair of transposes that undo each other.

    A value quantised between the two would get one scale for each image row, which the CPU cannot run.
    """
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Transpose":
            continue
        source = node.input_value(0).get_node()
        if source.get_type_name() != "Transpose":
            continue
        first, second = (n.input_value(1).get_node().data for n in (source, node))
        if list(first[second]) == list(range(len(first))):
            node.output(0).replace(source.input_value(0))
