"""The served int8 network against TensorFlow's float network, on real photos."""

from pathlib import Path

import pytest

from app.recognition.bulk import classify_files
from app.recognition.bundle import load_bundle
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, ROOT
from app.training.dataset import read_samples
from app.training.evaluation import Figures, evaluate

SHIPPED = ROOT / "weights" / DEFAULT_MODEL


def measure(engine: str, products: Path) -> Figures:
    service = ModelService(SHIPPED, engine)
    taxonomy = load_bundle(SHIPPED).taxonomy
    samples = read_samples(products, "val", taxonomy)
    results = classify_files(service, [sample.path for sample in samples])
    return evaluate(samples, results, taxonomy, DEFAULT_MODEL)


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TensorFlow's own
def test_the_served_network_is_as_right_as_the_one_that_was_trained(products: Path) -> None:
    served = measure("openvino", products)
    reference = measure("keras", products)
    assert served.unreadable == reference.unreadable == 0
    assert abs(served.top1 - reference.top1) <= 0.005
    assert served.top1 >= 0.78
    assert served.top4 >= 0.93
