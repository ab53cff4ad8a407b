import json
from dataclasses import replace

import numpy as np
import pytest
from made_up import small_bundle
from numpy.typing import NDArray

from app.errors import ModelFault
from app.recognition.bundle import Bundle, Thresholds
from app.recognition.prediction import (
    BEST,
    Guess,
    Verdict,
    best_guesses,
    calibrate,
    combine,
    known_score,
    predict,
    put_into_words,
)
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


def logits_of(*probabilities: float) -> NDArray[np.float32]:
    """Give logits of which these are the probabilities."""
    return np.log(np.array(probabilities, np.float32))


def bundle(*paths: str, **thresholds: float) -> Bundle:
    """Make a bundle without a network for leaves with paths like "A B C"."""
    categories = tuple(
        Category(number, f"slug-{number}", *path.split(), f"Thing {number}", f"Chose {number}")
        for number, path in enumerate(paths)
    )
    return replace(small_bundle(), taxonomy=Taxonomy(categories), thresholds=Thresholds(**thresholds))


TREE = ("A B C", "A B D", "A X C", "E B C")


@pytest.mark.parametrize("fault", [np.nan, np.inf, -np.inf])
def test_a_network_that_gives_no_numbers_is_a_model_fault(fault: float) -> None:
    with pytest.raises(ModelFault):
        predict(np.array([0, fault, 0, 0], np.float32), bundle(*TREE))


@pytest.mark.parametrize(("best", "verdict"), [(0.81, Verdict.SURE), (0.79, Verdict.UNSURE)])
def test_an_answer_is_sure_from_the_threshold_on(best: float, verdict: Verdict) -> None:
    logits = logits_of(best, 1 - best, 1e-9, 1e-9)
    assert predict(logits, bundle(*TREE, sure=0.8)).verdict is verdict


def test_an_answer_spread_over_all_categories_is_about_none_of_them() -> None:
    known = bundle(*TREE, sure=0.3, known=-3.0)
    assert predict(logits_of(0.97, 0.01, 0.01, 0.01), known).verdict is Verdict.SURE
    assert predict(logits_of(0.31, 0.23, 0.23, 0.23), known).verdict is Verdict.NO_CATEGORY


def test_the_known_score_does_not_depend_on_a_shift_of_all_logits() -> None:
    assert known_score(LOGITS + np.float32(7)) == pytest.approx(known_score(LOGITS))


def test_without_thresholds_nothing_is_promised() -> None:
    answer = predict(logits_of(1.0, 1e-30, 1e-30, 1e-30), bundle(*TREE))
    assert answer.verdict is Verdict.UNSURE
    assert not any(node.trusted for node in answer.roll_up)


def test_the_path_leads_from_the_root_to_the_best_leaf_with_the_sum_of_the_leaves_below() -> None:
    answer = predict(logits_of(0.4, 0.3, 0.2, 0.1), bundle(*TREE, path=0.65))
    assert [(node.level, node.name) for node in answer.roll_up] == [(1, "A"), (2, "B"), (3, "C")]
    assert [node.probability for node in answer.roll_up] == pytest.approx([0.9, 0.7, 0.4])
    assert [node.trusted for node in answer.roll_up] == [True, True, False]


@pytest.mark.parametrize(("best", "trusted"), [(0.79, [True, True, False]), (0.81, [True, True, True])])
def test_the_category_itself_is_trusted_from_the_probability_on_that_makes_an_answer_sure(
    best: float, trusted: list[bool]
) -> None:
    answer = predict(logits_of(best, 0.96 - best, 0.02, 0.02), bundle(*TREE, sure=0.8, path=0.7))
    assert [node.trusted for node in answer.roll_up] == trusted


def test_pictures_of_one_product_are_answered_by_the_mean_of_their_probabilities() -> None:
    known = bundle(*TREE, sure=0.5)
    one, other = (predict(logits_of(*p), known) for p in ((0.9, 0.1, 1e-9, 1e-9), (0.2, 0.6, 0.1, 0.1)))
    both = combine([one, other], known)
    np.testing.assert_allclose(both.probabilities, [0.55, 0.35, 0.05, 0.05], atol=1e-6)
    assert both.known_score == pytest.approx((one.known_score + other.known_score) / 2)
    assert both.verdict is Verdict.SURE


@pytest.mark.parametrize(
    ("verdict", "trusted", "words"),
    [
        (Verdict.SURE, 2, "Sure"),
        (Verdict.UNSURE, 1, "Not sure: best read as Sports"),
        (Verdict.UNSURE, 0, "Not sure"),
        (Verdict.NO_CATEGORY, 2, "Probably none of the categories that the network knows"),
    ],
)
def test_an_answer_is_put_into_plain_words(verdict: Verdict, trusted: int, words: str) -> None:
    steps = [{"name": name, "trusted": i < trusted} for i, name in enumerate(("SPORT", "FITNESS"))]
    assert put_into_words(verdict, steps) == words


def test_a_prediction_in_json_names_categories_verdict_and_path() -> None:
    answer = predict(logits_of(0.12345678, 0.1, 0.1, 0.67654322), bundle(*TREE, path=0.7)).to_json()
    assert list(answer) == ["predictions", "verdict", "in_words", "needs_review", "roll_up"]
    assert answer["predictions"][1] == {
        "category_id": 0,
        "slug": "slug-0",
        "name": "Thing 0",
        "name_fr": "Chose 0",
        "path": ["A", "B", "C"],
        "path_en": ["A", "B", "Thing 0"],
        "path_fr": ["A", "B", "Chose 0"],
        "probability": 0.123457,
    }
    assert (answer["verdict"], answer["in_words"]) == ("unsure", "Not sure")
    assert answer["roll_up"][2] == {
        "level": 3,
        "name": "C",
        "name_en": "Thing 3",
        "name_fr": "Chose 3",
        "probability": 0.676543,
        "trusted": False,
    }
    json.dumps(answer)
