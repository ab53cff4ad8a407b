"""Random changes to a training photo that leave its category alone."""

import io

import numpy as np
from PIL import Image, ImageEnhance

MIN_SIDE_KEPT = 0.75  # a crop keeps at least this share of each side, and so most of the object
DEGRADED_SIDES = (48, 160)  # px; part of the sources are 60 px pictures, and size must not be a clue
JPEG_QUALITIES = (40, 95)
MAX_MARGIN = 0.2
LIGHT = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
LIGHT_FACTORS = (0.6, 1.4)  # never the hue: it tells a lemon from a lime


def augment(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Flip, crop, light, degrade and place an RGB photo at random; the result has a size of its own."""
    if random.random() < 0.5:
        photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    photo = _crop(photo, random)
    if random.random() < 0.5:
        photo = _light(photo, random)
    if random.random() < 0.5:
        photo = _degrade(photo, random)
    if random.random() < 0.3:
        photo = _add_margin(photo, random)
    return photo


def _crop(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    width, height = (max(1, round(side * random.uniform(MIN_SIDE_KEPT, 1))) for side in photo.size)
    left, top = (int(random.integers(0, room + 1)) for room in (photo.width - width, photo.height - height))
    return photo.crop((left, top, left + width, top + height))


def _light(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Take the photo in another light, with another camera: other shops have others."""
    for enhance in LIGHT:
        photo = enhance(photo).enhance(random.uniform(*LIGHT_FACTORS))
    return photo


def _degrade(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Lose detail as a small or strongly compressed picture has lost it."""
    side = round(np.exp(random.uniform(*np.log(DEGRADED_SIDES))))
    small = photo.copy()
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=int(random.integers(*JPEG_QUALITIES)))
    return Image.open(buffer).convert("RGB")


def _add_margin(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Put white around the photo, more on one side than on the other."""
    left, top, right, bottom = (int(max(photo.size) * part) for part in random.uniform(0, MAX_MARGIN, 4))
    canvas = Image.new("RGB", (photo.width + left + right, photo.height + top + bottom), "white")
    canvas.paste(photo, (left, top))
    return canvas
