"""Every figure of an evaluation of six made-up answers, worked out by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_up import WhitePhotos

from app.data.dataset import PhotoSet
from app.errors import AppError, DataError, ModelFault, UnreadablePhoto
from app.evaluation.figures import Evaluation
from app.evaluation.measure import evaluate
from app.recognition.bundle import Bundle
from app.recognition.prediction import Prediction


def test_an_unreadable_photo_counts_as_wrong(evaluation: Evaluation) -> None:
    assert evaluation.unreadable == 1
    assert evaluation.top1.value == pytest.approx(2 / 6)
    assert evaluation.top4.value == pytest.approx(5 / 6)


@pytest.mark.parametrize("fault", [DataError("The disk is gone."), ModelFault()])
def test_a_fault_that_is_not_a_photos_ends_the_evaluation(
    bundle: Bundle, photos: PhotoSet, answers: list[Prediction | AppError], fault: AppError
) -> None:
    with pytest.raises(type(fault)):
        evaluate(photos, [fault, *answers[1:]], bundle)
    with pytest.raises(type(fault)):
        evaluate(photos, answers, bundle, of_no_product=[fault])


def test_a_wrong_answer_can_be_right_at_a_higher_level(evaluation: Evaluation) -> None:
    assert [share.value for share in evaluation.levels] == pytest.approx([4 / 6, 4 / 6, 2 / 6])


def test_each_verdict_says_how_often_it_is_given_and_how_often_right(evaluation: Evaluation) -> None:
    sure, unsure, alarms = evaluation.verdicts
    assert (sure.given.value, sure.right.value) == pytest.approx((1 / 6, 1))
    assert (unsure.given.value, unsure.right.value) == pytest.approx((3 / 6, 0))
    assert (alarms.given.value, alarms.right.value) == pytest.approx((1 / 6, 1))


def test_rolled_up_answers_are_judged_at_the_level_where_they_end(evaluation: Evaluation) -> None:
    found = {row.level: (row.given.photos, row.given.value, row.right.value) for row in evaluation.roll_up}
    assert found[3] == (6, pytest.approx(2 / 6), 1)
    assert found[2] == (6, pytest.approx(2 / 6), 1)
    assert found[1] == (6, 0, None)
    assert found[0] == (6, pytest.approx(1 / 6), None)


def test_products_of_other_categories_and_photos_of_none_are_judged_apart(evaluation: Evaluation) -> None:
    unknown, not_product = evaluation.unknown, evaluation.not_product
    assert unknown
    assert not_product
    assert (unknown.sure.photos, unknown.sure.value, unknown.unsure.value) == (2, 0.5, 0.5)
    assert (not_product.sure.photos, not_product.unsure.value, not_product.no_category.value) == (
        4,
        0.25,
        0.75,
    )
    assert evaluation.photos == 6


def test_photos_of_no_category_are_also_counted_at_the_promised_share_of_the_others(
    bundle: Bundle, photos: PhotoSet, answers: list[Prediction | AppError], evaluation: Evaluation
) -> None:
    assert evaluation.not_product
    assert evaluation.not_product.at_promise.value == 1  # none of the four is as clear as a known one here
    judged = evaluate(photos, answers, bundle, "val", [*[answers[0]] * 3, UnreadablePhoto()])
    assert judged.unknown
    assert judged.unknown.at_promise.value == 0


def test_sure_answers_that_name_a_category_seldom_seen_are_judged_apart(
    bundle: Bundle, photos: PhotoSet, answers: list[Prediction | AppError]
) -> None:
    taught = {"taught": [30, 500, 500, 500]}  # only the first is seldom seen, and one sure answer names it
    judged = evaluate(photos, answers, replace(bundle, manifest=bundle.manifest | taught))
    assert (judged.seldom_sure_right.photos, judged.seldom_sure_right.value) == (1, 1)
    unsaid = evaluate(photos, answers, replace(bundle, manifest={}))
    assert unsaid.seldom_sure_right.photos == 0


def test_departments_with_photos_have_a_share_each(evaluation: Evaluation) -> None:
    found = [(group.name, group.top1.photos, group.top1.value) for group in evaluation.departments]
    assert found == [("LOISIR", 2, 0.5), ("TEXTILE", 4, 0.25)]


def test_a_product_is_judged_by_the_mean_over_its_pictures(evaluation: Evaluation) -> None:
    assert evaluation.per_product
    assert evaluation.per_product.products == 5
    assert evaluation.per_product.top1.value == pytest.approx(
        2 / 5
    )  # the first two photos together are right


def test_products_of_one_picture_have_no_figures_of_their_own(
    photos: PhotoSet, answers: list[Prediction | AppError], bundle: Bundle
) -> None:
    assert evaluate(photos.subset(slice(1, 5)), answers[1:5], bundle).per_product is None


def test_groups_are_the_data_sets_and_the_sizes_that_there_are(evaluation: Evaluation) -> None:
    assert [(group.name, group.top1.photos, group.top1.value) for group in evaluation.sources] == [
        ("balls", 4, 0.25),
        ("attic", 2, 0.5),
    ]
    sizes = [(size.over, size.most, size.top1.photos) for size in evaluation.sizes]
    assert sizes == [(0, 80, 3), (200, None, 2)]


def test_photos_that_name_no_data_set_belong_to_none(
    bundle: Bundle, photos: PhotoSet, answers: list[Prediction | AppError]
) -> None:
    unnamed = replace(photos, files=WhitePhotos((60,) * 6, ("1.jpg",) * 6))
    assert evaluate(unnamed, answers, bundle).sources == ()


def test_as_many_names_as_a_camera_gives_are_no_data_sets(
    bundle: Bundle, photos: PhotoSet, answers: list[Prediction | AppError]
) -> None:
    rows, numbers = np.arange(120) % 6, np.arange(120)
    names = tuple(f"{row}-{row}.jpg" for row in numbers)
    many = replace(photos.subset(rows), files=WhitePhotos((60,) * 120, names), numbers=numbers)
    many = replace(many, sources=numbers)
    assert evaluate(many, [answers[row] for row in rows], bundle).sources == ()


def test_unreadable_photos_change_nothing_in_how_calibrated_the_others_are(
    bundle: Bundle, photos: PhotoSet, answers: list[Prediction | AppError], evaluation: Evaluation
) -> None:
    read = np.array([isinstance(one, Prediction) for one in answers])
    without = evaluate(photos.subset(read), [one for one in answers if isinstance(one, Prediction)], bundle)
    assert without.calibration_error == evaluation.calibration_error
    assert without.calibration_interval == evaluation.calibration_interval
    assert without.reliability == evaluation.reliability


def test_a_confused_pair_counts_both_directions(evaluation: Evaluation) -> None:
    pair = evaluation.confusions[0]
    assert (pair.first, pair.second, pair.forth, pair.back) == ("pull", "gilet", 1, 1)
    assert sorted(pair.rows) == [1, 2]


def test_a_category_has_recall_and_precision(evaluation: Evaluation) -> None:
    assert [(row.photos, row.top1) for row in evaluation.categories] == [(2, 0.5), (1, 0), (1, 0), (2, 0.5)]
    assert [row.precision for row in evaluation.categories] == [0.5, 0, None, 0.5]


def test_a_category_without_photos_has_no_figures(
    photos: PhotoSet, answers: list[Prediction | AppError], bundle: Bundle
) -> None:
    some = evaluate(photos.subset(slice(0, 3)), answers[:3], bundle)
    assert [row.slug for row in some.categories] == ["pull", "gilet"]


def test_the_metrics_of_the_manifest_are_flat_and_every_figure_is_json(evaluation: Evaluation) -> None:
    metrics = evaluation.metrics()
    assert {
        "split",
        "photos",
        "top1",
        "top4",
        "level1",
        "calibration_error",
        "sure_accuracy",
        "coverage",
    } <= set(metrics)
    assert not any(isinstance(value, dict | list) for value in metrics.values())
    assert json.loads(json.dumps(evaluation.to_json()))["top1"]["value"] == pytest.approx(
        metrics["top1"], abs=1e-6
    )


def test_a_sentence_says_that_none_of_the_photos_can_be_read(photos: PhotoSet, bundle: Bundle) -> None:
    with pytest.raises(DataError, match="None of the 6 photos can be read"):
        evaluate(photos, [UnreadablePhoto()] * len(photos), bundle)
