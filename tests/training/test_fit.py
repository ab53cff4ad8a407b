"""What a stage of fine-tuning trains, and when a run does not go on."""

from pathlib import Path

import numpy as np
import pytest

from app.data.dataset import read_folder
from app.errors import TrainingError
from app.recognition.preprocess import Preprocessing
from app.recognition.taxonomy import read_taxonomy
from app.training.fit import CHECKPOINT, Stage, compile_stage, fit
from app.training.loader import Loader

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


@pytest.fixture
def loader(drawings: Path) -> Loader:
    photos = read_folder(drawings, "train", read_taxonomy(drawings / "taxonomy.csv"))
    return Loader(photos, 3, Preprocessing(8, 1 / 255, 0.0), batch_size=8, seed=1)


def report(*_: float) -> None: ...


def test_a_run_whose_weights_are_no_longer_finite_ends_and_leaves_the_checkpoint_before(
    network, loader: Loader, tmp_path: Path
) -> None:
    fit(network, loader, [Stage("", 1, 0.01, 8)], tmp_path, False, report)
    before = (tmp_path / CHECKPOINT).read_bytes()
    network.get_layer("head").bias.assign([np.nan, 0, 0])
    with pytest.raises(TrainingError, match="begin anew with a lower rate"):
        fit(network, loader, [Stage("", 1, 0.01, 8)], tmp_path, False, report)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_a_run_does_not_go_on_in_another_precision(network, loader: Loader, tmp_path: Path) -> None:
    import keras

    fit(network, loader, [Stage("", 1, 0.01, 8)], tmp_path, False, report)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert fit(network, loader, [Stage("", 1, 0.01, 8)], tmp_path, True, report)  # nothing is left to do
        with pytest.raises(TrainingError, match="begun in float32 on 1 device"):
            fit(network, loader, [Stage("", 1, 0.01, 8)] * 2, tmp_path, True, report)
    finally:
        keras.config.set_dtype_policy("float32")
