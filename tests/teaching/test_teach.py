"""A head from features: how right it is, how it is measured, and what is too little."""

import numpy as np
import pytest
from made_up import small_bundle

from app.recognition.bundle import NEVER
from app.recognition.taxonomy import Taxonomy, taught_category
from app.teaching.head import Array, Known, Labels, sum_up
from app.teaching.teach import ALWAYS, FOLDS, Taught, assign_folds, teach

CHANNELS = 12


def draw(photos: int, classes: int, seed: int = 1) -> tuple[Array, Labels]:
    """Draw features around a centre for each category."""
    centres = np.random.default_rng(0).exponential(1, (classes, CHANNELS))
    random = np.random.default_rng(seed)
    labels = np.arange(photos) % classes
    features = centres[labels] * random.gamma(8, 1 / 8, (photos, CHANNELS))
    return features.astype(np.float32), labels


def taught(features: Array, labels: Labels, products: list[int] | None = None) -> Taught:
    names = (taught_category([f"c{number}"]) for number in range(labels.max() + 1))
    products = products or list(range(len(labels)))
    return teach(features, labels, products, small_bundle(), Taxonomy(tuple(names)))


def test_new_photos_are_answered_right_and_as_sure_as_promised() -> None:
    done = taught(*draw(600, 4))
    features, labels = draw(1000, 4, seed=2)
    right = done.head.logits(features).argmax(axis=1) == labels
    assert right.mean() > 0.9
    assert done.thresholds.sure < 1


@pytest.mark.parametrize("photos", [1, 2])
def test_a_photo_or_two_of_each_category_are_enough_to_teach_and_too_few_to_be_sure(photos: int) -> None:
    features, labels = draw(3 * photos, 3)
    done = taught(features, labels)
    assert (done.head.logits(features).argmax(axis=1) == labels).all()
    assert done.thresholds.sure == NEVER


def test_copies_of_a_single_photo_can_be_taught() -> None:
    features, labels = draw(3, 3)
    done = taught(np.repeat(features, 4, axis=0), np.repeat(labels, 4))
    assert (done.head.logits(features).argmax(axis=1) == labels).all()


def test_the_photos_of_a_product_are_on_one_side_of_every_fold() -> None:
    labels = np.repeat(np.arange(3), 40)
    products = [row // 4 for row in range(len(labels))]
    folds = assign_folds(labels, products, seed=1)
    assert all(len(set(folds[np.array(products) == product])) == 1 for product in set(products))
    assert {fold for label in range(3) for fold in folds[labels == label].tolist()} == set(range(FOLDS))


def test_the_only_product_of_a_category_is_always_taught() -> None:
    folds = assign_folds(np.array([0, 0, 1, 1]), ["a", "a", "b", "c"], seed=1)
    assert folds[:2].tolist() == [ALWAYS, ALWAYS]
    assert ALWAYS not in folds[2:]


def test_a_head_that_was_measured_on_a_photo_had_not_seen_it() -> None:
    features, labels = draw(60, 3)
    labels = labels.copy()
    labels[0] = (labels[0] + 1) % 3  # which nobody can know without the photo
    done = taught(features, labels)
    assert done.logits[done.rows.tolist().index(0)].argmax() != labels[0]


def test_sums_do_not_depend_on_how_the_photos_are_split() -> None:
    features, labels = draw(50, 3)
    halves = sum_up(features[:20], labels[:20], 3) + sum_up(features[20:], labels[20:], 3)
    whole = sum_up(features, labels, 3)
    np.testing.assert_allclose(halves.squares, whole.squares, rtol=1e-5)
    np.testing.assert_allclose((whole - sum_up(features[20:], labels[20:], 3)).roots,
                               sum_up(features[:20], labels[:20], 3).roots, rtol=1e-4)  # fmt: skip


def test_known_categories_that_count_for_fewer_photos_keep_their_means_and_covariance() -> None:
    features, labels = draw(300, 3)
    sums = sum_up(features, labels, 3)
    limited = Known(sums, sums.spread).limited_to(20).sums
    assert limited.counts.tolist() == [20, 20, 20]
    np.testing.assert_allclose(limited.means, sums.means)
    np.testing.assert_allclose(limited.covariance, sums.covariance)
