"""Small photos drawn by code, in the layout that training reads."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from app.recognition.taxonomy import Category, write_taxonomy

SHAPES = ("disc", "frame", "stripes")


def draw(shape: str, random: np.random.Generator) -> Image.Image:
    """Draw one shape at a random place in a random colour on white, 96 x 80 px."""
    photo = Image.new("RGB", (96, 80), "white")
    pen = ImageDraw.Draw(photo)
    x, y, size = (int(value) for value in random.integers((4, 4, 30), (40, 30, 44)))
    colour = tuple(int(value) for value in random.integers(0, 160, 3))
    if shape == "disc":
        pen.ellipse((x, y, x + size, y + size), fill=colour)
    elif shape == "frame":
        pen.rectangle((x, y, x + size, y + size), outline=colour, width=6)
    else:
        for offset in range(0, size, 8):
            pen.line((x, y + offset, x + size, y + offset), fill=colour, width=3)
    return photo


def write_drawings(root: Path) -> None:
    """Make `root` a data folder of three categories with 8 training and 3 validation drawings each."""
    random = np.random.default_rng(7)
    for split, count in (("train", 8), ("val", 3)):
        for shape in SHAPES:
            folder = root / split / shape
            folder.mkdir(parents=True)
            for number in range(count):
                draw(shape, random).save(folder / f"drawn-{number}.jpg", quality=90)
    categories = [
        Category(number, shape, "DESSIN", "FORME", shape.upper(), shape, f"{shape} (fr)")
        for number, shape in enumerate(SHAPES, start=1)
    ]
    write_taxonomy(root / "taxonomy.csv", categories)
