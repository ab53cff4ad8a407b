"""Batch normalisation folded into convolutions and out again."""

import numpy as np
import pytest

from app.training.folding import fold_batch_norm, unfold_batch_norm

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own


def build(scaled: bool = True):
    from keras import Input, Model, Sequential, layers

    network = Sequential(
        [
            Input((8, 8, 3)),
            layers.Conv2D(4, 3, use_bias=False, name="dense"),
            layers.BatchNormalization(scale=scaled, name="after_dense"),
            layers.DepthwiseConv2D(3, use_bias=False, name="depthwise"),
            layers.BatchNormalization(name="after_depthwise"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, name="head"),
        ]
    )
    return Model(network.inputs, network.outputs)


@pytest.fixture(params=[True, False], ids=["with gamma", "without gamma"])
def network(request: pytest.FixtureRequest):
    """A network whose normalisations do something."""
    network = build(request.param)
    random = np.random.default_rng(1)
    network.set_weights([random.uniform(0.5, 1.5, w.shape) * random.choice([-1, 1]) ** (w.ndim > 1)
                         for w in network.get_weights()])  # fmt: skip
    return network


def photos() -> np.ndarray:
    return np.random.default_rng(2).uniform(-1, 1, (5, 8, 8, 3)).astype(np.float32)


def test_a_folded_network_answers_the_same(network) -> None:
    folded = fold_batch_norm(network)
    np.testing.assert_allclose(folded.predict(photos()), network.predict(photos()), rtol=1e-4, atol=1e-4)
    assert [layer.name for layer in folded.layers if "after" in layer.name] == []


def test_what_the_folded_network_learns_is_unfolded(network) -> None:
    folded = fold_batch_norm(network)
    for variable in folded.trainable_variables:
        variable.assign(variable * 0.9)
    unfold_batch_norm(folded, network)
    np.testing.assert_allclose(network.predict(photos()), folded.predict(photos()), rtol=1e-4, atol=1e-4)
