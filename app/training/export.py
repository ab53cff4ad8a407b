"""Write a trained network as a bundle: Keras weights, serving files, calibration, manifest."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.data.dataset import PhotoSet
from app.errors import TrainingError
from app.recognition.bundle import KERAS_WEIGHTS, MANIFEST, SERVING_MODEL, TAXONOMY, write_manifest
from app.recognition.network import ARCHITECTURES
from app.recognition.preprocess import Preprocessing
from app.recognition.taxonomy import Taxonomy, write_taxonomy
from app.teaching.known import learn_known
from app.training.calibration import calibrate_bundle
from app.training.convert import quantise, to_openvino

if TYPE_CHECKING:
    import keras

LICENCE = "MIT for the code; for the weights the terms of the photos they were trained on"


def check_out(folder: Path) -> None:
    """Make sure that a bundle may replace `folder`.

    Raises TrainingError if the folder holds anything other than a bundle.
    """
    if folder.exists() and not (folder / MANIFEST).exists():
        raise TrainingError(f"{folder} is there and no bundle. Name a folder of its own: {folder}/NAME.")


def write_bundle(
    network: keras.Model,
    folder: Path,
    taxonomy: Taxonomy,
    preprocessing: Preprocessing,
    *,
    trained: PhotoSet,
    calibration: PhotoSet,
    manifest: dict[str, Any],
) -> None:
    """Write `network` and everything that serving needs to `folder`; `manifest` says how it was trained.

    The manifest says how many `trained` photos each category has; the ranges of int8 serving files come from
    some of them. Temperature and thresholds are fitted on the `calibration` photos, which training has not
    seen; without any the bundle promises nothing. The folder's name is the model's id.
    """
    import keras
    import openvino

    shutil.rmtree(folder, ignore_errors=True)  # left by an attempt that failed
    folder.mkdir(parents=True)
    write_taxonomy(folder / TAXONOMY, taxonomy.categories)
    network = keras.Model(network.inputs, network.outputs)  # otherwise the optimiser's state is saved too
    _save_float16(network, folder / KERAS_WEIGHTS)
    network.load_weights(folder / KERAS_WEIGHTS)  # so that the serving files come from the weights as shipped
    model = to_openvino(network, preprocessing.side)
    if ARCHITECTURES[manifest["architecture"]].int8:
        model = quantise(model, trained, preprocessing)
    openvino.save_model(model, folder / SERVING_MODEL)
    write_manifest(
        folder,
        {
            "model": folder.name,
            "taxonomy": taxonomy.version,
            "preprocessing": vars(preprocessing),
            "temperature": 1.0,
            "thresholds": {},
            "licence": LICENCE,
            **manifest,
            "classes": [category.category_id for category in taxonomy.categories],
            "taught": np.bincount(trained.labels, minlength=len(taxonomy)).tolist(),
        },
    )
    learn_known(folder, trained)
    if len(calibration):
        calibrate_bundle(folder, calibration)


def _save_float16(network: keras.Model, path: Path) -> None:
    """Save weights in Keras's own layout, with matrices and kernels in float16; Keras casts on loading."""
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
