"""Temperature scaling and the calibration error."""

import numpy as np
import pytest

from app.recognition.prediction import calibrate
from app.training.calibration import expected_calibration_error, fit_temperature


def test_the_temperature_undoes_overconfidence() -> None:
    random = np.random.default_rng(3)
    honest = random.normal(size=(4000, 5)).astype(np.float32) * 2
    labels = np.array([random.choice(5, p=row) for row in calibrate(honest, 1.0)])
    assert fit_temperature(honest * 3, labels) == pytest.approx(3, rel=0.1)


def test_the_error_is_the_gap_between_confidence_and_accuracy() -> None:
    confidences = np.array([0.9] * 10 + [0.6] * 10)
    right = np.array([True] * 7 + [False] * 3 + [True] * 6 + [False] * 4)
    assert expected_calibration_error(confidences, right) == pytest.approx(0.1)


def test_full_confidence_in_right_answers_has_no_error() -> None:
    assert expected_calibration_error(np.ones(4), np.ones(4, bool)) == 0
