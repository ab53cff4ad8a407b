"""The network that a training run starts from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import TrainingError
from app.recognition.bundle import KERAS_WEIGHTS, load_bundle
from app.recognition.network import add_head, build_base
from app.recognition.taxonomy import Taxonomy

if TYPE_CHECKING:
    import keras


def build_initial(architecture: str, init: str, taxonomy: Taxonomy) -> keras.Model:
    """Build a network for the classes of `taxonomy` and load `init` into it.

    `init` is a bundle's folder, a file of weights without a head, "imagenet" or "random". The head is new,
    except that of a bundle with the same classes. Raises TrainingError, or BundleError for a damaged bundle.
    """
    if Path(init).is_dir():
        return _from_bundle(Path(init), architecture, taxonomy)
    return add_head(_initial_base(architecture, init), len(taxonomy))


def _from_bundle(folder: Path, architecture: str, taxonomy: Taxonomy) -> keras.Model:
    import keras

    bundle = load_bundle(folder)
    if bundle.architecture != architecture:
        raise TrainingError(f"{folder} holds a network of {bundle.architecture}, not {architecture}.")
    # `build_network` would clear the session and with it the setup of `on_every_gpu`.
    network = add_head(build_base(architecture), len(bundle.taxonomy))
    network.load_weights(bundle.file(KERAS_WEIGHTS))
    if bundle.taxonomy.version == taxonomy.version:
        return network
    base = keras.Model(network.input, network.layers[-2].output, name=network.name)
    return add_head(base, len(taxonomy))


def _initial_base(architecture: str, init: str) -> keras.Model:
    if init == "imagenet":
        return build_base(architecture, "imagenet")
    base = build_base(architecture)
    if init != "random":
        try:
            base.load_weights(init)
        except (OSError, ValueError, KeyError) as error:
            raise TrainingError(
                f"{init} holds no weights of {architecture}; give a bundle, such a file, imagenet or random."
            ) from error
    return base
