"""What a stage of fine-tuning trains."""

import pytest

from app.errors import TrainingError
from app.training.fit import Stage, compile_stage

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own


@pytest.fixture
def network():
    from keras import Input, Sequential, layers

    names = ("first", "second")
    convolutions = [layers.Conv2D(2, 3, name=name) for name in names]
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3, name="head")]
    return Sequential([Input((8, 8, 3)), *convolutions, *head])


def trained(network) -> set[str]:
    return {layer.name for layer in network.layers if layer.trainable_variables}


def test_the_layers_up_to_the_named_one_stay_as_they_are(network) -> None:
    compile_stage(network, Stage("first", 1, 0.01, 8), 10)
    assert trained(network) == {"second", "head"}


def test_a_layer_that_the_network_lacks_is_named(network) -> None:
    with pytest.raises(TrainingError, match="no layer 'third'"):
        compile_stage(network, Stage("third", 1, 0.01, 8), 10)
