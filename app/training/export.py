"""A trained network becomes a bundle: float16 weights, int8 serving files, temperature, manifest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.recognition.bundle import (
    KERAS_WEIGHTS,
    SERVING_MODEL,
    TAXONOMY,
    Bundle,
    write_manifest,
)
from app.recognition.engines import OpenVinoEngine
from app.recognition.preprocess import Preprocessing, preprocess
from app.recognition.taxonomy import Taxonomy, write_taxonomy
from app.training.calibration import fit_temperature
from app.training.dataset import PhotoSet

if TYPE_CHECKING:
    import keras

QUANTISATION_PHOTOS = 300
LICENCE = "MIT for the code; the terms of the training photos are in weights/README.md"


def write_bundle(
    network: keras.Model,
    folder: Path,
    taxonomy: Taxonomy,
    preprocessing: Preprocessing,
    trained: PhotoSet,
    calibration: PhotoSet,
    manifest: dict[str, Any],
) -> None:
    """Write `network` to `folder` with all that serving needs; `manifest` says how it was trained.

    The serving files are quantised on some of the `trained` photos, the temperature is fitted on
    the `calibration` photos, which training has not seen. The folder's name is the model's id.
    """
    import keras

    shutil.rmtree(folder, ignore_errors=True)  # of an attempt that failed
    folder.mkdir(parents=True)
    write_taxonomy(folder / TAXONOMY, taxonomy.categories)
    network = keras.Model(network.inputs, network.outputs)  # else the optimiser's state is saved, too
    _save_float16(network, folder / KERAS_WEIGHTS)
    network.load_weights(folder / KERAS_WEIGHTS)  # what is served is made from what is shipped
    spread = trained.subset(slice(None, None, max(1, len(trained) // QUANTISATION_PHOTOS)))
    _quantise(network, spread, preprocessing, folder / SERVING_MODEL)
    bundle = Bundle(folder, folder.name, "", preprocessing, taxonomy, 1.0, {})
    logits = _logits(OpenVinoEngine(bundle), calibration, preprocessing)
    write_manifest(
        folder,
        {
            "model": folder.name,
            "taxonomy": taxonomy.version,
            "preprocessing": vars(preprocessing),
            "temperature": fit_temperature(logits, calibration.labels),
            "licence": LICENCE,
            **manifest,
            "classes": [category.category_id for category in taxonomy.categories],
        },
    )


def _save_float16(network: keras.Model, path: Path) -> None:
    """Save weights in Keras's own layout, matrices and kernels in float16; Keras casts on loading."""
    import h5py

    with tempfile.TemporaryDirectory() as temporary:
        full = Path(temporary) / path.name
        network.save_weights(full)
        with h5py.File(full) as source, h5py.File(path, "w") as target:

            def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
                if isinstance(item, h5py.Dataset):
                    half = item.ndim > 1
                    values = item[()].astype(np.float16) if half else item[()]
                    options = {"compression": "gzip", "shuffle": True} if half else {}
                    copied = target.create_dataset(name, data=values, **options)
                else:
                    copied = target.require_group(name)
                copied.attrs.update(item.attrs)

            target.attrs.update(source.attrs)
            source.visititems(copy)


def _quantise(network: keras.Model, photos: PhotoSet, how: Preprocessing, path: Path) -> None:
    import keras
    import nncf
    import openvino

    with tempfile.TemporaryDirectory() as temporary:
        exported = Path(temporary) / "network.xml"
        signature = [keras.InputSpec(shape=(None, how.side, how.side, 3), dtype="float32")]
        network.export(str(exported), format="openvino", verbose=False, input_signature=signature)
        model = openvino.Core().read_model(exported)
        inputs = nncf.Dataset(list(_inputs(photos, how)))
        small = nncf.quantize(model, inputs, subset_size=len(photos), preset=nncf.QuantizationPreset.MIXED)
        openvino.save_model(small, path)


def _logits(engine: OpenVinoEngine, photos: PhotoSet, how: Preprocessing) -> NDArray[np.float32]:
    return np.concatenate([engine.run(photo) for photo in _inputs(photos, how)])


def _inputs(photos: PhotoSet, how: Preprocessing) -> Iterator[NDArray[np.float32]]:
    for row in range(len(photos)):
        yield preprocess(photos.open(row), how)[None]
