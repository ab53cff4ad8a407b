import numpy as np
import pytest

from app.evaluation.curves import (
    calibration_by_chance,
    expected_calibration_error,
    reliability,
    risk_coverage,
)


def test_bins_compare_confidence_with_accuracy_and_leave_out_the_empty() -> None:
    low, high = reliability(np.array([0.1, 0.12, 1.0, 0.98]), np.array([True, False, True, True]))
    assert (low.photos, low.confidence, low.accuracy) == pytest.approx((2, 0.11, 0.5))
    assert (high.photos, high.confidence, high.accuracy, high.high) == pytest.approx((2, 0.99, 1.0, 1.0))


def test_the_risk_falls_when_only_the_surest_answers_are_taken() -> None:
    steps, area = risk_coverage(np.array([0.2, 0.9, 0.8, 0.5]), np.array([False, True, True, False]))
    assert [step.coverage for step in steps] == [0.25, 0.5, 0.75, 1]
    assert [step.risk for step in steps] == pytest.approx([0, 0, 1 / 3, 0.5])
    assert area == pytest.approx((1 / 3 + 1 / 2) / 4)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    random = np.random.default_rng(1)
    steps, _ = risk_coverage(random.random(5000), random.random(5000) < 0.7)
    assert len(steps) == 100
    assert (steps[0].coverage, steps[-1].coverage) == (1 / 5000, 1)


def test_chance_alone_miscalibrates_few_photos_more_than_many() -> None:
    few, many = (calibration_by_chance(np.random.default_rng(1).random(count)) for count in (100, 10_000))
    assert 0 < many < 0.02 < few


def test_the_error_is_the_gap_between_confidence_and_accuracy() -> None:
    confidences = np.array([0.9] * 10 + [0.6] * 10)
    right = np.array([True] * 7 + [False] * 3 + [True] * 6 + [False] * 4)
    assert expected_calibration_error(confidences, right) == pytest.approx(0.1)


def test_full_confidence_in_right_answers_has_no_error() -> None:
    assert expected_calibration_error(np.ones(4), np.ones(4, bool)) == 0
