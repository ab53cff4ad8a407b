"""Batch normalisation folded into the convolution before it, and out again.

Training from trained weights keeps the means and variances as they are (docs/experiments.md), and then each
normalisation is a scale and a shift: a convolution with a bias does the same in one pass over memory instead
of three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def fold(network: keras.Model) -> keras.Model:
    """Return a network that computes the same, with a bias in place of each batch normalisation.

    Layers keep their names. Each batch normalisation must follow a convolution without a bias.
    """
    import keras

    normalised = _normalised(network)

    def copy(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if layer.name in normalised:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: keras.Layer, *inputs: Any, **options: Any) -> Any:
        return inputs[0] if layer.name not in kept else layer(*inputs, **options)

    kept = {layer.name for layer in network.layers} - {layer.name for layer in normalised.values()}
    folded = keras.models.clone_model(network, clone_function=copy, call_function=call)
    for layer in folded.layers:
        if not layer.weights:
            continue
        weights = network.get_layer(layer.name).get_weights()
        if layer.name in normalised:
            weights = _scaled(weights[0], layer, normalised[layer.name])
        layer.set_weights(weights)
    return folded


def unfold(folded: keras.Model, network: keras.Model) -> None:
    """Give `network` weights with which it computes what `folded`, once folded from its like, computes."""
    normalised = _normalised(network)
    for layer in folded.layers:
        weights = layer.get_weights()
        if layer.name in normalised:
            kernel, bias = weights
            _make_shift(normalised[layer.name], bias)
            weights = [kernel]
        if weights:
            network.get_layer(layer.name).set_weights(weights)


def _normalised(network: keras.Model) -> dict[str, keras.layers.BatchNormalization]:
    """Return each batch normalisation by the name of the layer whose output it takes."""
    import keras

    return {
        layer.input._keras_history.operation.name: layer
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }


def _scaled(
    kernel: np.ndarray, layer: keras.Layer, normalisation: keras.layers.BatchNormalization
) -> list[np.ndarray]:
    """Return the kernel and bias that do the work of `kernel` and the normalisation behind it."""
    import keras
    from keras import ops

    value = {weight.name: ops.convert_to_numpy(weight) for weight in normalisation.weights}
    deviation = np.sqrt(value["moving_variance"] + normalisation.epsilon)
    scale = value.get("gamma", 1.0) / deviation
    by_input = isinstance(layer, keras.layers.DepthwiseConv2D)
    return [
        kernel * (scale[:, None] if by_input else scale),
        value.get("beta", 0.0) - value["moving_mean"] * scale,
    ]


def _make_shift(normalisation: keras.layers.BatchNormalization, bias: np.ndarray) -> None:
    """Let the normalisation add `bias` and do nothing else."""
    value = {
        "gamma": np.ones_like(bias),
        "beta": bias,
        "moving_mean": np.zeros_like(bias),
        "moving_variance": np.full_like(bias, 1 - normalisation.epsilon),
    }
    normalisation.set_weights([value[weight.name] for weight in normalisation.weights])
