"""The served networks against TensorFlow's float network, on real photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from app.evaluation.measure import measure
from app.recognition.bundle import load_bundle
from app.recognition.service import ModelService
from app.settings import ROOT

SHIPPED = sorted(path.parent for path in (ROOT / "weights").glob("*/manifest.json"))


@pytest.mark.shared
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own
def test_the_served_network_is_as_right_as_the_one_that_was_trained_and_as_it_says(
    products: Path, folder: Path
) -> None:
    served, _ = measure(ModelService(folder), products)
    reference, _ = measure(ModelService(folder, "keras"), products)
    said = load_bundle(folder).manifest["metrics"]
    assert served.unreadable == reference.unreadable == 0
    assert served.top1.value >= reference.top1.value - 0.005
    assert served.top1.value == pytest.approx(said["top1"], abs=0.002)
    assert served.top4.value == pytest.approx(said["top4"], abs=0.002)
    assert served.top1.value >= 0.78
    assert served.top4.value >= 0.93


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own
def test_the_served_network_looks_where_the_one_that_was_trained_does(folder: Path) -> None:
    photo = Image.fromarray(data.coffee())
    services = ModelService(folder), ModelService(folder, "keras")
    for service in services:
        service.wait()
    served, reference = (service.explain(photo) for service in services)
    assert served.look.features.shape == reference.look.features.shape
    best = reference.prediction.guesses[0].category.category_id
    heats = [one.heatmap(best).heat.ravel() for one in (served, reference)]
    assert np.corrcoef(heats)[0, 1] > 0.95
