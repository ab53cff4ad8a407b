"""Fold batch normalisation into the convolution before it, and out again.

Training from trained weights keeps means, variances and scales as they are (docs/experiments.md). Each
normalisation is then a scale and a shift. A convolution that scales its few weights and adds a bias computes
the same without two more passes over all activations. Training still learns the unscaled kernel: the
optimiser's steps are as long for small weights as for large ones, so in a scaled kernel they would drown
channels of small scale.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray


class ScaledConv2D(layers.Conv2D):
    """A convolution whose kernel is multiplied by `scale` [output channels], which is not trained."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.scale = self.add_weight(name="scale", shape=(self.filters,), trainable=False)

    @property
    def kernel(self) -> Any:
        return ops.multiply(super().kernel, self.scale)


class ScaledDepthwiseConv2D(layers.DepthwiseConv2D):
    """A depthwise convolution whose kernel is multiplied by `scale` [channels], which is not trained."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), trainable=False)

    def call(self, inputs: Any) -> Any:
        kernel = ops.multiply(self.kernel, ops.reshape(self.scale, (-1, 1)))
        outputs = ops.depthwise_conv(inputs, kernel, self.strides, self.padding)
        return ops.add(outputs, self.bias)


SCALED = {layers.Conv2D: ScaledConv2D, layers.DepthwiseConv2D: ScaledDepthwiseConv2D}


def fold_batch_norm(network: keras.Model) -> keras.Model:
    """Return a network that computes the same without batch normalisation; layers keep their names.

    Each batch normalisation must follow a convolution without a bias.
    """
    normalised = _normalised(network)
    dropped = {layer.name for layer in normalised.values()}

    def copy(layer: keras.Layer) -> keras.Layer:
        config, kind = layer.get_config(), type(layer)
        if layer.name in normalised:
            config["use_bias"], kind = True, SCALED[kind]
        return kind.from_config(config)

    def call(layer: keras.Layer, *inputs: Any, **options: Any) -> Any:
        return inputs[0] if layer.name in dropped else layer(*inputs, **options)

    folded = keras.models.clone_model(network, clone_function=copy, call_function=call)
    for layer in folded.layers:
        if not layer.weights:
            continue
        weights = network.get_layer(layer.name).get_weights()
        if layer.name in normalised:
            scale, mean, beta = _read(normalised[layer.name])
            weights = [*weights, beta - mean * scale, scale]
        layer.set_weights(weights)
    return folded


def unfold_batch_norm(folded: keras.Model, network: keras.Model) -> None:
    """Give `network`, from which `folded` was made, the weights that make it compute the same as `folded`."""
    normalised = _normalised(network)
    for layer in folded.layers:
        weights = layer.get_weights()
        if layer.name in normalised:
            kernel, bias, _ = weights
            scale, mean, _ = _read(normalised[layer.name])
            normalised[layer.name].beta.assign(bias + mean * scale)
            weights = [kernel]
        if weights:
            network.get_layer(layer.name).set_weights(weights)


def _normalised(network: keras.Model) -> dict[str, layers.BatchNormalization]:
    """Return each batch normalisation by the name of the layer before it."""
    return {
        layer.input._keras_history.operation.name: layer
        for layer in network.layers
        if isinstance(layer, layers.BatchNormalization)
    }


def _read(normalisation: layers.BatchNormalization) -> tuple[NDArray[np.float32], ...]:
    """Return a normalisation's scale, the mean it subtracts first and the shift it adds [channels]."""
    value = {weight.name: ops.convert_to_numpy(weight) for weight in normalisation.weights}
    scale = value.get("gamma", np.float32(1)) / np.sqrt(value["moving_variance"] + normalisation.epsilon)
    return scale, value["moving_mean"], value["beta"]
