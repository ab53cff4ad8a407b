"""From what the numbers of a picture mean by its colour profile to sRGB, as browsers show it."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

Convert = Callable[[Image.Image], Image.Image]
MAX_PROFILE = 4_000_000  # bytes; those of printing presses have 2 million at most
MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # by the colour space of a profile
CLOSE = 2  # of 255, from sRGB; the many profiles of sRGB itself differ by 0 or 1
STEPS = np.arange(0, 256, 51, dtype=np.uint8)
PROBE = Image.fromarray(np.stack(np.meshgrid(STEPS, STEPS, STEPS), axis=-1).reshape(6, 36, 3))


def srgb_converter(profile: bytes | None) -> tuple[str, Convert] | None:
    """Return the mode of pictures that have `profile`, and the function that makes sRGB of them.

    None if the profile is absent, broken, or sRGB already: then plain conversion is right, or all there is.
    """
    if not profile or len(profile) > MAX_PROFILE:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODES[source.profile.xcolor_space]
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        transform = ImageCms.ImageCmsTransform(source, srgb, mode, "RGB")
        is_srgb = mode == "RGB" and _difference(transform.apply(PROBE), PROBE) <= CLOSE
    except (ImageCms.PyCMSError, KeyError, OSError, ValueError):
        return None
    return None if is_srgb else (mode, transform.apply)


def _difference(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).max())
