"""A run starts from what it was told to."""

import numpy as np
import pytest

from app.errors import TrainingError
from app.recognition.bundle import load_bundle
from app.recognition.engines import KerasEngine
from app.recognition.taxonomy import Taxonomy
from app.settings import ROOT
from app.training.initial import build_initial

FOLDER = ROOT / "weights" / "efficientnetv2-b0"
TAXONOMY = load_bundle(FOLDER).taxonomy
OTHER_CLASSES = Taxonomy(TAXONOMY.categories[:3])


def test_a_bundle_that_knows_the_same_classes_is_taken_whole() -> None:
    photo = np.random.default_rng(1).uniform(0, 255, (1, 96, 96, 3)).astype(np.float32)
    network = build_initial("efficientnetv2_b0", str(FOLDER), TAXONOMY)
    expected = KerasEngine(load_bundle(FOLDER)).run(photo)
    np.testing.assert_allclose(network.predict_on_batch(photo), expected, atol=1e-4)


def test_a_bundle_that_knows_other_classes_gets_a_new_head() -> None:
    whole = build_initial("efficientnetv2_b0", str(FOLDER), TAXONOMY).get_weights()
    *base, kernel, bias = build_initial("efficientnetv2_b0", str(FOLDER), OTHER_CLASSES).get_weights()
    for own, expected in zip(base, whole[:-2], strict=True):
        np.testing.assert_array_equal(own, expected)
    assert kernel.shape[-1] == len(bias) == 3


def test_a_bundle_of_another_architecture_is_refused() -> None:
    with pytest.raises(TrainingError, match="holds a network of efficientnetv2_b0, not inception_v3"):
        build_initial("inception_v3", str(FOLDER), TAXONOMY)
