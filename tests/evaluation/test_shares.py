import numpy as np
import pytest

from app.evaluation.curves import calibration_by_chance, expected_calibration_error
from app.evaluation.shares import measure_error_interval, measure_interval, measure_shares

ALL = np.ones(400, bool)
HALF = np.arange(400) % 2 == 0


def test_the_interval_is_as_wide_as_theory_says() -> None:
    (share,) = measure_shares([(HALF, ALL)], np.arange(400))
    error = 1.96 * np.sqrt(0.25 / 400)
    assert share.photos == 400
    assert share.value == 0.5
    assert (share.low, share.high) == pytest.approx((0.5 - error, 0.5 + error), abs=0.01)


def test_pictures_of_one_product_tell_less_than_as_many_products() -> None:
    hits = np.arange(400) < 200
    (alone,), (grouped,) = (
        measure_shares([(hits, ALL)], products) for products in (np.arange(400), np.arange(400) // 4)
    )
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_a_share_is_taken_among_the_photos_it_is_about() -> None:
    (share,) = measure_shares([(np.arange(400) < 30, np.arange(400) < 40)], np.arange(400))
    assert (share.photos, share.value) == (40, 0.75)


def test_a_share_of_no_photo_has_no_value() -> None:
    (share,) = measure_shares([(ALL, ~ALL)], np.arange(400))
    assert (share.photos, share.value, share.low, share.high) == (0, None, None, None)


def test_a_single_photo_has_an_interval_though_many_samples_miss_it() -> None:
    (share,) = measure_shares([(ALL, np.arange(400) == 3)], np.arange(400))
    assert share.value == 1
    assert (share.low, share.high) == pytest.approx((0.2065, 1), abs=1e-4)


@pytest.mark.parametrize(("products", "low"), [(np.arange(50), 0.9287), (np.arange(50) // 5, 0.7225)])
def test_of_few_products_all_right_others_may_be_wrong(products: np.ndarray, low: float) -> None:
    all_right, none_right = measure_shares([(ALL[:50], ALL[:50]), (~ALL[:50], ALL[:50])], products)
    assert (all_right.low, all_right.high) == pytest.approx((low, 1), abs=1e-4)  # Wilson's, by tables
    assert (none_right.low, none_right.high) == pytest.approx((0, 1 - low), abs=1e-4)


def test_the_same_answers_have_the_same_intervals() -> None:
    assert measure_shares([(HALF, ALL)], np.arange(400)) == measure_shares([(HALF, ALL)], np.arange(400))


def test_the_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(1).random(400)
    low, high = measure_interval(lambda rows: float(values[rows].mean()), np.arange(400))
    error = 1.96 * values.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((values.mean() - error, values.mean() + error), abs=0.003)


@pytest.mark.parametrize(("count", "gap"), [(50, 0.0), (1000, 0.0), (1000, 0.05)])
def test_the_interval_of_a_calibration_error_holds_the_true_one(count: int, gap: float) -> None:
    held = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        confidences = random.uniform(0.1, 1, count)
        right = random.random(count) < confidences - gap  # so on many photos the error would be the gap
        low, high = measure_error_interval(
            lambda rows, claimed=confidences, right=right: expected_calibration_error(
                claimed[rows], right[rows]
            ),
            calibration_by_chance(confidences),
            np.arange(count),
        )
        assert low < expected_calibration_error(confidences, right) < high
        held.append(low <= gap <= high)
    assert np.mean(held) >= 0.9


def test_pictures_of_one_product_come_into_a_sample_together() -> None:
    rows_of_samples: list[list[int]] = []
    measure_interval(lambda rows: float(rows_of_samples.append(rows.tolist()) or 0), np.arange(6) // 3)
    assert all(rows.count(0) == rows.count(1) == rows.count(2) for rows in rows_of_samples)
