"""Random changes to a training photo."""

import numpy as np
import pytest
from PIL import Image

from app.training.augment import DEGRADED_SIDES, MIN_SIDE_KEPT, augment

DRAWS = 200


def augmented(photo: Image.Image) -> list[Image.Image]:
    return [augment(photo, np.random.default_rng(seed)) for seed in range(DRAWS)]


def test_photos_keep_most_of_each_side_and_no_less_than_the_smallest_picture_that_is_made() -> None:
    sides = [max(photo.size) for photo in augmented(Image.new("RGB", (400, 400), "red"))]
    assert min(sides) >= DEGRADED_SIDES[0]
    assert sum(side >= 400 * MIN_SIDE_KEPT for side in sides) > DRAWS / 3  # those that kept their detail


def test_margins_are_white_and_the_object_stays_inside() -> None:
    for photo in augmented(Image.new("RGB", (400, 400), "black")):
        share_of_object = (np.asarray(photo) < 128).all(axis=2).mean()
        assert 1 / 1.4**2 - 0.1 <= share_of_object <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (60, 80)])
def test_small_and_narrow_photos_stay_photos(size: tuple[int, int]) -> None:
    for photo in augmented(Image.new("RGB", size, "blue")):
        assert photo.mode == "RGB"
        assert min(photo.size) >= 1


def test_the_same_seed_gives_the_same_photo() -> None:
    photo = Image.effect_noise((90, 90), 60).convert("RGB")
    for one, other in zip(augmented(photo), augmented(photo), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
