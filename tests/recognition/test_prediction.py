import numpy as np
import pytest

from app.errors import ModelFault
from app.recognition.prediction import BEST, Guess, Prediction, best_guesses, calibrate
from app.recognition.taxonomy import Category, Taxonomy

TAXONOMY = Taxonomy(
    tuple(Category(1000 + i, f"slug-{i}", "A", "B", f"C{i}", f"Thing {i}", f"Chose {i}") for i in range(6))
)
LOGITS = np.array([0.5, 3.0, -1.0, 2.0, 2.5, 0.0], np.float32)


def slugs(guesses: tuple[Guess, ...]) -> list[str]:
    return [guess.category.slug for guess in guesses]


def test_probabilities_are_the_softmax_of_the_scaled_logits() -> None:
    np.testing.assert_allclose(
        calibrate(np.log(np.array([1, 4, 16], np.float32)), 2.0), [1 / 7, 2 / 7, 4 / 7], 1e-6
    )


def test_the_probabilities_of_every_row_of_a_batch_add_up_to_one() -> None:
    probabilities = calibrate(np.stack([LOGITS, -LOGITS]), 1.3)
    np.testing.assert_allclose(probabilities.sum(axis=-1), [1, 1])


def test_a_higher_temperature_makes_the_best_category_less_certain() -> None:
    assert calibrate(LOGITS, 2.0).max() < calibrate(LOGITS, 1.0).max()


def test_the_temperature_never_changes_the_order() -> None:
    assert slugs(best_guesses(calibrate(LOGITS, 5.0), TAXONOMY)) == slugs(
        best_guesses(calibrate(LOGITS, 0.5), TAXONOMY)
    )


def test_enormous_logits_do_not_overflow() -> None:
    np.testing.assert_array_equal(calibrate(np.array([1e4, -1e4], np.float32), 1.0), [1, 0])


def test_the_four_most_likely_categories_come_best_first() -> None:
    guesses = best_guesses(calibrate(LOGITS, 1.0), TAXONOMY)
    assert slugs(guesses) == ["slug-1", "slug-4", "slug-3", "slug-0"]
    assert len(guesses) == BEST


def test_equally_likely_categories_keep_the_order_of_the_taxonomy() -> None:
    assert slugs(best_guesses(np.full(6, 1 / 6), TAXONOMY)) == ["slug-0", "slug-1", "slug-2", "slug-3"]


def test_a_taxonomy_of_two_categories_has_two_guesses() -> None:
    pair = Taxonomy(TAXONOMY.categories[:2])
    assert slugs(best_guesses(np.array([0.4, 0.6]), pair)) == ["slug-1", "slug-0"]


@pytest.mark.parametrize("fault", [np.nan, np.inf])
def test_a_network_that_gives_no_numbers_is_a_model_fault(fault: float) -> None:
    logits = np.array([0, fault, 0, 0, 0, 0], np.float32)
    with pytest.raises(ModelFault):
        best_guesses(calibrate(logits, 1.0), TAXONOMY)


def test_a_prediction_in_json_names_each_category_and_its_probability() -> None:
    guess = Guess(TAXONOMY.categories[2], 0.12345678)
    assert Prediction("model", "taxonomy", (guess,)).to_json() == [
        {
            "category_id": 1002,
            "slug": "slug-2",
            "name": "Thing 2",
            "name_fr": "Chose 2",
            "path": ["A", "B", "C2"],
            "probability": 0.123457,
        }
    ]
