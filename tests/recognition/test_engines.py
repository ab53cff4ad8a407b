"""The served networks against TensorFlow's float network, on real photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from app.evaluation.measure import measure
from app.recognition.bulk import classify_files
from app.recognition.network import ARCHITECTURES
from app.recognition.service import ModelService
from app.settings import ROOT

SHIPPED = sorted(path.parent for path in (ROOT / "weights").glob("*/manifest.json"))


@pytest.mark.shared
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_network_is_as_right_as_it_says(products: Path, folder: Path) -> None:
    service = ModelService(folder)
    measured, _ = measure(service, products)
    said = service.bundle.manifest["metrics"]
    assert measured.unreadable == 0
    assert measured.top1.value == pytest.approx(said["top1"], abs=0.002)
    assert measured.top4.value == pytest.approx(said["top4"], abs=0.002)


@pytest.mark.shared
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own
def test_the_served_network_answers_as_the_one_that_was_trained(products: Path, folder: Path) -> None:
    services = [ModelService(folder), ModelService(folder, "keras")]
    photos = sorted((products / "val").glob("*/*.jpg"))[::20]
    served, reference = (list(classify_files(service, photos)) for service in services)
    best = [
        [result.prediction.guesses[0].category for result in results if result.prediction]
        for results in (served, reference)
    ]
    assert len(best[0]) == len(best[1]) == len(photos) > 100
    same = np.mean([one == other for one, other in zip(*best, strict=True)])
    assert same >= (0.9 if ARCHITECTURES[services[0].bundle.architecture].int8 else 0.99)


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
