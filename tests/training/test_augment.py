"""Random changes to a training photo."""

import numpy as np
import pytest
from PIL import Image

from app.training.augment import DEGRADED_SIDES, MIN_SIDE_KEPT, augment

DRAWS = 200


def augmented(photo: Image.Image) -> list[Image.Image]:
    return [augment(photo, photo, np.random.default_rng(seed)) for seed in range(DRAWS)]


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


def on_white(size: int = 100) -> Image.Image:
    photo = Image.new("RGB", (size, size), "white")
    photo.paste("red", (size // 4, size // 4, 3 * size // 4, 3 * size // 4))
    return photo


def share_of_blue(photo: Image.Image, other: Image.Image, seed: int) -> float:
    pixels = np.asarray(augment(photo, other, np.random.default_rng(seed)), int)
    return float((pixels[..., 2] > pixels[..., 0] + 60).mean())


def test_about_half_of_the_white_backgrounds_give_way_to_a_piece_of_another_photo() -> None:
    changed = [
        share_of_blue(on_white(), Image.new("RGB", (80, 60), "blue"), seed) > 0.2 for seed in range(DRAWS)
    ]
    assert 0.4 < np.mean(changed) < 0.6


def test_the_object_stays_before_its_new_backdrop() -> None:
    for seed in range(DRAWS):
        photo = augment(on_white(), Image.new("RGB", (80, 60), "blue"), np.random.default_rng(seed))
        pixels = np.asarray(photo, int)
        assert (pixels[..., 0] > pixels[..., 1:].max(axis=2) + 60).mean() > 0.1


@pytest.mark.parametrize("colour", ["white", "black", "green"])
def test_a_photo_without_an_object_on_white_keeps_its_background(colour: str) -> None:
    photo, other = Image.new("RGB", (100, 100), colour), Image.new("RGB", (80, 60), "blue")
    assert max(share_of_blue(photo, other, seed) for seed in range(DRAWS)) == 0


def test_the_same_seed_gives_the_same_photo() -> None:
    photo = Image.effect_noise((90, 90), 60).convert("RGB")
    for one, other in zip(augmented(photo), augmented(photo), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
