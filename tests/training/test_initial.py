"""A run starts from what it was told to."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_network

from app.errors import TrainingError
from app.recognition.bundle import load_bundle
from app.recognition.engines import KerasEngine
from app.recognition.taxonomy import Taxonomy
from app.training.initial import build_initial

# Inside TensorFlow, whenever a weight becomes an array.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bundle of the small network, which takes the place of Inception V3."""
    with small_network.in_place():
        yield small_network.write_trained(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def taxonomy(folder: Path) -> Taxonomy:
    return load_bundle(folder).taxonomy


def test_a_bundle_that_knows_the_same_classes_is_taken_whole(folder: Path, taxonomy: Taxonomy) -> None:
    photo = np.random.default_rng(1).uniform(0, 255, (1, 96, 96, 3)).astype(np.float32)
    network = build_initial("inception_v3", str(folder), taxonomy)
    expected = KerasEngine(load_bundle(folder)).run(photo)
    np.testing.assert_allclose(network.predict_on_batch(photo), expected, atol=1e-4)


def test_a_bundle_that_knows_other_classes_gets_a_new_head(folder: Path, taxonomy: Taxonomy) -> None:
    whole = build_initial("inception_v3", str(folder), taxonomy).get_weights()
    others = Taxonomy(taxonomy.categories[:3])
    *base, kernel, bias = build_initial("inception_v3", str(folder), others).get_weights()
    for own, expected in zip(base, whole[:-2], strict=True):
        np.testing.assert_array_equal(own, expected)
    assert kernel.shape[-1] == len(bias) == 3


def test_a_bundle_of_another_architecture_is_refused(folder: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(TrainingError, match="holds a network of inception_v3, not efficientnetv2_b0"):
        build_initial("efficientnetv2_b0", str(folder), taxonomy)
