"""Random changes to a training photo that keep its category."""

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

MIN_SIDE_KEPT = 0.75  # a crop keeps at least this share of each side, so most of the object
DEGRADED_SIDES = (48, 160)  # px; some sources have photos of 60 px, and size must not be a clue
JPEG_QUALITIES = (40, 95)
MAX_MARGIN = 0.2
LIGHT = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
LIGHT_FACTORS = (0.6, 1.4)  # never the hue: it distinguishes a lemon from a lime
WHITE = 245  # of 255; after JPEG no background is quite white
SHARE_OF_BACKGROUND = (0.1, 0.9)  # less is not a background, more leaves no object
SHARE_OF_BACKDROP = (0.15, 0.5)  # of a photo's shorter side: so small a piece shows texture, not objects


def augment(photo: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
    """Change an RGB photo at random: backdrop, flip, crop, light, detail, margins.

    A piece of the `other` photo may become its backdrop. The result may have another size.
    """
    if random.random() < 0.5:
        photo = change_backdrop(photo, other, random) or photo
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


def change_backdrop(
    photo: Image.Image, other: Image.Image, random: np.random.Generator
) -> Image.Image | None:
    """Replace a white background by a piece of `other`; None for a photo without such a background.

    Shops have white behind their products, their customers do not. After Xiao et al. 2021, "Noise or
    Signal: The Role of Image Backgrounds in Object Recognition", arXiv 2006.09994.
    """
    object_mask = _find_object(photo)
    if object_mask is None:
        return None
    side = max(1, round(random.uniform(*SHARE_OF_BACKDROP) * min(other.size)))
    left, top = (int(random.integers(0, room - side + 1)) for room in other.size)
    backdrop = other.crop((left, top, left + side, top + side)).resize(photo.size, Image.Resampling.BICUBIC)
    without_halo = object_mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.7))
    return Image.composite(photo, backdrop, without_halo)


def _find_object(photo: Image.Image) -> Image.Image | None:
    """Mask everything but the white that touches the edges; None for a photo without such a background."""
    from scipy import ndimage

    parts, _ = ndimage.label(np.asarray(photo).min(axis=2) >= WHITE)
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    background = np.isin(parts, np.unique(edge[edge > 0]))
    least, most = SHARE_OF_BACKGROUND
    if (edge > 0).mean() < 0.5 or not least < background.mean() < most:
        return None
    return Image.fromarray(np.uint8(255) * ~background)


def _crop(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    width, height = (max(1, round(side * random.uniform(MIN_SIDE_KEPT, 1))) for side in photo.size)
    left, top = (int(random.integers(0, room + 1)) for room in (photo.width - width, photo.height - height))
    return photo.crop((left, top, left + width, top + height))


def _light(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Imitate another light and camera, because shops differ in both."""
    for enhance in LIGHT:
        photo = enhance(photo).enhance(random.uniform(*LIGHT_FACTORS))
    return photo


def _degrade(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Lose detail like a small or strongly compressed photo."""
    side = round(np.exp(random.uniform(*np.log(DEGRADED_SIDES))))
    small = photo.copy()
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=int(random.integers(*JPEG_QUALITIES)))
    return Image.open(buffer).convert("RGB")


def _add_margin(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Put white around the photo, more on some sides than on others."""
    left, top, right, bottom = (int(max(photo.size) * part) for part in random.uniform(0, MAX_MARGIN, 4))
    canvas = Image.new("RGB", (photo.width + left + right, photo.height + top + bottom), "white")
    canvas.paste(photo, (left, top))
    return canvas
