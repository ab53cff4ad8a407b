"""The one function from photo to network input, for training, site, command line and bulk runs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

REDUCING_GAP = 2.0  # photos more than four times too large are first reduced by plain averaging


@dataclass(frozen=True)
class Preprocessing:
    """The input that a network expects: a square of `side` px holding value * `scale` + `offset`."""

    side: int
    scale: float
    offset: float


def preprocess(photo: Image.Image, how: Preprocessing) -> NDArray[np.float32]:
    """Fit an RGB photo into a white square without squashing it.

    Returns float32 [side, side, 3]; a white pixel is 255 * scale + offset.
    """
    square = pad_to_square(photo, how.side)
    return np.asarray(square, np.float32) * np.float32(how.scale) + np.float32(how.offset)


def pad_to_square(photo: Image.Image, side: int) -> Image.Image:
    """Scale the longest side of `photo` to `side` px and centre it on white."""
    ratio = side / max(photo.size)
    size = (max(1, round(photo.width * ratio)), max(1, round(photo.height * ratio)))
    square = Image.new("RGB", (side, side), "white")
    scaled = photo.resize(size, Image.Resampling.BICUBIC, reducing_gap=REDUCING_GAP)
    square.paste(scaled, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square
