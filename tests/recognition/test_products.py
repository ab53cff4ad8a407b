"""Several photos of one product."""

from pathlib import Path

import numpy as np
import pytest
from made_up import answer, small_bundle

from app.errors import NoImage, TooManyPhotos, UnreadablePhoto, UnsupportedFormat
from app.recognition.bulk import group_products
from app.recognition.limits import MAX_PHOTOS
from app.recognition.products import answer_product

BUNDLE = small_bundle()
PULL = answer(BUNDLE, 0.9, 0.05, 0.03, 0.02)
SKIRT = answer(BUNDLE, 0.3, 0.05, 0.6, 0.05)


def test_one_answer_is_the_mean_of_the_photos_that_can_be_read() -> None:
    product = answer_product([PULL, UnreadablePhoto(), SKIRT], BUNDLE)
    np.testing.assert_allclose(product.prediction.probabilities, [0.6, 0.05, 0.315, 0.035], atol=1e-6)
    assert product.to_json()["photos"] == 2


def test_a_remark_names_the_photos_that_disagree() -> None:
    product = answer_product([PULL, UnreadablePhoto(), SKIRT], BUNDLE)
    assert product.remark == "The photos disagree: alone, photo 3 shows Jupe."
    assert product.to_json()["remark"] == product.remark


def test_photos_that_agree_have_no_remark() -> None:
    product = answer_product([PULL, UnreadablePhoto(), PULL], BUNDLE)
    assert product.remark == ""
    assert product.to_json()["remark"] is None


def test_a_product_without_a_photo_that_can_be_read_has_the_fault_of_the_first() -> None:
    with pytest.raises(UnsupportedFormat):
        answer_product([UnsupportedFormat(), UnreadablePhoto()], BUNDLE)
    with pytest.raises(NoImage):
        answer_product([], BUNDLE)


def test_a_product_has_no_more_photos_than_allowed() -> None:
    assert answer_product([PULL] * MAX_PHOTOS, BUNDLE).to_json()["photos"] == MAX_PHOTOS
    with pytest.raises(TooManyPhotos):
        answer_product([PULL] * (MAX_PHOTOS + 1), BUNDLE)


def test_each_folder_is_a_product_and_the_files_named_are_one(tmp_path: Path) -> None:
    folder = tmp_path / "lamp"
    folder.mkdir()
    files = [folder / "b.jpg", folder / "a.jpg", tmp_path / "c.jpg"]
    for file in files:
        file.touch()
    assert group_products([files[2], folder, files[0]]) == [
        (files[2], [files[2], files[0]]),
        (folder, [files[1], files[0]]),
    ]


def test_a_folder_with_too_many_photos_is_named(tmp_path: Path) -> None:
    for number in range(MAX_PHOTOS + 1):
        (tmp_path / f"{number}.png").touch()
    with pytest.raises(TooManyPhotos, match=f"{tmp_path}: a product has 1 to 8 photos, not 9"):
        group_products([tmp_path])
