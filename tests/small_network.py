"""A network small enough to train within a test, in the place of one of Keras Applications.

`python small_network.py train ...` is `flask train ...` with it.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from app.settings import ROOT

if TYPE_CHECKING:
    import keras


def build(weights: None, include_top: bool, pooling: str, input_shape: tuple[int | None, ...]) -> keras.Model:
    """Build two convolutions, each with its normalisation, and the mean of their 16 features.

    The arguments are those of Keras Applications, and so are the names of the layers where the last two
    blocks of Inception V3 end. Whoever wants more than random weights without a head wants another network.
    """
    from keras import Input, Model, layers

    assert (weights, include_top, pooling) == (None, False, "avg")
    features = inputs = Input(input_shape)
    for name, channels in (("mixed9", 8), ("mixed10", 16)):
        features = layers.Conv2D(channels, 3, strides=3, use_bias=False)(features)
        features = layers.BatchNormalization()(features)
        features = layers.ReLU(name=name)(features)
    return Model(inputs, layers.GlobalAveragePooling2D()(features))


def in_place() -> AbstractContextManager[Any]:
    """Have `inception_v3` be the small network for a while: the rest of training stays as it is."""
    import keras

    return mock.patch.object(keras.applications, "InceptionV3", build)


def write_trained(folder: Path) -> Path:
    """Write a bundle of the small network that training can go on from and nothing serves; return it."""
    from made_up import MANIFEST, small_bundle

    from app.recognition.bundle import FILES, KERAS_WEIGHTS, TAXONOMY, write_manifest
    from app.recognition.network import build_network
    from app.recognition.taxonomy import write_taxonomy

    categories = small_bundle().taxonomy.categories
    for name in FILES:
        (folder / name).touch()
    write_taxonomy(folder / TAXONOMY, categories)
    build_network("inception_v3", len(categories)).save_weights(folder / KERAS_WEIGHTS)
    write_manifest(folder, MANIFEST)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a process that trains, with what it makes besides in `folder`."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    own = {"INSTANCE": str(folder / "instance"), "PYTHONPATH": paths, "FLASK_APP": str(ROOT / "wsgi.py")}
    return os.environ | own


if __name__ == "__main__":
    from flask.cli import main

    with in_place():
        main()
