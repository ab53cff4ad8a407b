"""The networks that can be trained and shipped, built by code and never unpickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.recognition.preprocess import Preprocessing

if TYPE_CHECKING:  # Keras takes seconds to import, and the web process never builds a network
    import keras


@dataclass(frozen=True)
class Architecture:
    """A Keras Applications network, the range of values it expects, and whether it is served in int8.

    docs/experiments.md has the measurements: with int8 Inception V3 takes a third of the time and loses
    almost no accuracy; EfficientNetV2-B0 is fast in float, and int8 changes it more.
    """

    application: str
    scale: float
    offset: float
    int8: bool

    def preprocessing(self, side: int) -> Preprocessing:
        """Return the preprocessing that this network needs at `side` px."""
        return Preprocessing(side, self.scale, self.offset)


ARCHITECTURES = {
    "inception_v3": Architecture("InceptionV3", 1 / 127.5, -1.0, int8=True),
    "efficientnetv2_b0": Architecture("EfficientNetV2B0", 1.0, 0.0, int8=False),
}


def build_base(architecture: str, weights: str | None = None) -> keras.Model:
    """Build the network up to its pooled features, for photos of any size, with random weights or these."""
    import keras

    build = getattr(keras.applications, ARCHITECTURES[architecture].application)
    return build(weights=weights, include_top=False, pooling="avg", input_shape=(None, None, 3))


def add_head(base: keras.Model, classes: int) -> keras.Model:
    """Put one dense layer of logits on the pooled features of `base`."""
    import keras

    logits = keras.layers.Dense(classes, name="logits", dtype="float32")(base.output)
    return keras.Model(base.input, logits, name=base.name)


def build_network(architecture: str, classes: int) -> keras.Model:
    """Build the whole network: float32 [n, side, side, 3] -> logits float32 [n, classes]."""
    import keras

    keras.utils.clear_session()  # layer names count up in a process, and weight files refer to them
    return add_head(build_base(architecture), classes)
