"""Measure what "Where it looked" adds to a prediction, and how much of the heat lies on the product.

PYTHONPATH=. python bench/heatmap.py DATA     DATA: a folder with val/<slug>/*.jpg
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image
from skimage import data

from app.recognition.heatmap import draw
from app.recognition.photos import encode, open_photo
from app.recognition.service import ModelService
from app.settings import ROOT

ROUNDS = 200
STEPS = ("answer", "answer with four heatmaps", "of it the heatmaps", "drawing one")
SIDE = 200  # px of a photo in the corner of a white page twice as wide


def main(data_folder: Path) -> None:
    """Measure all steps in each round, so that a slow moment affects them alike."""
    print("| network | " + " | ".join((*STEPS, "heat on the product")) + " |\n|---" + "|---:" * 5 + "|")
    for manifest in sorted((ROOT / "weights").glob("*/manifest.json")):
        service = ModelService(manifest.parent)
        service.wait()
        steps = prepare(service, Image.fromarray(data.coffee()))
        rounds = [[milliseconds(step) for step in steps] for _ in range(ROUNDS)][5:]
        medians = [statistics.median(times) for times in zip(*rounds, strict=True)]
        cells = [f"{median:.1f} ms" for median in medians] + [f"{heat_on_product(service, data_folder):.0%}"]
        print(f"| {service.require_ready().model} | " + " | ".join(cells) + " |")


def prepare(service: ModelService, photo: Image.Image) -> list[Callable[[], object]]:
    """Return the functions to measure, in the order of `STEPS`."""
    known = service.explain(photo)
    small = photo.resize((320, 213))
    return [
        lambda: service.predict(photo).to_json(),
        lambda: service.explain(photo).to_json(),
        lambda: replace(known).to_json(),  # a copy, as an explanation computes its heatmaps only once
        lambda: encode(draw(small, known.heatmaps[0])),
    ]


def heat_on_product(service: ModelService, folder: Path) -> float:
    """Put one photo of each category into a corner; return the mean share of heat there (chance: 25 %)."""
    shares = []
    corners = ((0, 0), (SIDE, 0), (0, SIDE), (SIDE, SIDE))
    for number, category in enumerate(sorted((folder / "val").iterdir())):
        left, top = corners[number % 4]
        page = Image.new("RGB", (2 * SIDE, 2 * SIDE), "white")
        page.paste(open_photo(min(category.iterdir()).read_bytes()).resize((SIDE, SIDE)), (left, top))
        heat = service.explain(page).heatmaps[0].heat
        x, y = (place * len(heat) // (2 * SIDE) for place in (left, top))
        half = len(heat) // 2
        shares.append(heat[y : y + half, x : x + half].sum() / heat.sum())
    return float(statistics.mean(shares))


def milliseconds(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main(Path(sys.argv[1]))
