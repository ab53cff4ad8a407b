import numpy as np
import pytest
from PIL import Image

from app.recognition.preprocess import Preprocessing, pad_to_square, preprocess

INCEPTION = Preprocessing(side=96, scale=1 / 127.5, offset=-1.0)
RAW = Preprocessing(side=96, scale=1.0, offset=0.0)
WHITE = (255, 255, 255)


@pytest.mark.parametrize("size", [(96, 96), (300, 200), (20, 30), (1, 1), (1, 20_000), (20_000, 1)])
def test_a_photo_of_any_shape_becomes_the_square_of_the_network(size: tuple[int, int]) -> None:
    values = preprocess(Image.new("RGB", size), INCEPTION)
    assert (values.shape, values.dtype) == ((96, 96, 3), np.float32)


def test_black_and_white_span_the_range_of_the_network() -> None:
    assert preprocess(Image.new("RGB", (9, 9), "white"), INCEPTION).max() == pytest.approx(1)
    assert preprocess(Image.new("RGB", (9, 9), "black"), INCEPTION).min() == pytest.approx(-1)


def test_a_photo_of_the_right_size_keeps_every_value() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    np.testing.assert_array_equal(preprocess(Image.fromarray(pixels), RAW), pixels)


def test_a_wide_photo_lies_between_equal_white_bars() -> None:
    square = np.asarray(pad_to_square(Image.new("RGB", (200, 100), "black"), 96))
    dark = (square == 0).all(axis=(1, 2))
    assert dark.tolist() == [False] * 24 + [True] * 48 + [False] * 24
    assert (square[~dark] == 255).all()


def test_a_tall_photo_stands_between_equal_white_bars() -> None:
    square = np.asarray(pad_to_square(Image.new("RGB", (100, 200), "black"), 96))
    dark = (square == 0).all(axis=(0, 2))
    assert dark.tolist() == [False] * 24 + [True] * 48 + [False] * 24


def test_the_thinnest_photo_is_still_seen() -> None:
    square = np.asarray(pad_to_square(Image.new("RGB", (1, 20_000), "black"), 96))
    assert (square == 0).all(axis=2).sum() == 96


def test_a_small_photo_is_enlarged_to_the_whole_square() -> None:
    assert pad_to_square(Image.new("RGB", (10, 10), "red"), 96).getcolors() == [(96 * 96, (255, 0, 0))]


def test_colours_keep_their_order() -> None:
    assert preprocess(Image.new("RGB", (9, 9), (10, 20, 30)), RAW)[48, 48].tolist() == [10, 20, 30]
