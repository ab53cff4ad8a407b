"""Measure what "where it looked" adds to a prediction. Prints a Markdown table.

PYTHONPATH=. python bench/heatmap.py
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from PIL import Image
from skimage import data

from app.recognition.heatmap import draw
from app.recognition.photos import encode
from app.recognition.service import ModelService
from app.settings import ROOT

ROUNDS = 200
STEPS = ("answer", "answer with four heatmaps", "of it the heatmaps", "drawing one")


def main() -> None:
    """Measure in turn, round by round, so that a slow moment hits each alike."""
    print("| network | " + " | ".join(STEPS) + " |\n|---" + "|---:" * len(STEPS) + "|")
    for manifest in sorted((ROOT / "weights").glob("*/manifest.json")):
        service = ModelService(manifest.parent)
        steps = prepare(service, Image.fromarray(data.coffee()))
        rounds = [[milliseconds(step) for step in steps] for _ in range(ROUNDS)][5:]
        medians = [statistics.median(times) for times in zip(*rounds, strict=True)]
        print(f"| {service.bundle.model} | " + " | ".join(f"{median:.1f} ms" for median in medians) + " |")


def prepare(service: ModelService, photo: Image.Image) -> list[Callable[[], object]]:
    """Give what is measured, in the order of `STEPS`."""
    known = service.explain(photo)
    small = photo.resize((320, 213))
    return [
        lambda: service.predict(photo).to_json(),
        lambda: service.explain(photo).to_json(),
        lambda: replace(known).to_json(),  # a copy: an explanation computes its heatmaps once
        lambda: encode(draw(small, known.heatmaps[0])),
    ]


def milliseconds(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
