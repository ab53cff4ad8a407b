"""One made-up evaluation for all tests of how it is measured, drawn and told."""

import pytest
from made_up import six_answers, six_photos, small_bundle, small_evaluation

from app.data.dataset import PhotoSet
from app.errors import AppError
from app.evaluation.figures import Evaluation
from app.recognition.bundle import Bundle
from app.recognition.prediction import Prediction


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return small_bundle()


@pytest.fixture(scope="session")
def photos() -> PhotoSet:
    return six_photos()


@pytest.fixture(scope="session")
def answers(bundle: Bundle) -> list[Prediction | AppError]:
    return six_answers(bundle)


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    return small_evaluation()
