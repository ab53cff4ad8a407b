"""Run `flask classify` over a folder of 5,000 photos and compare it with the engine's best batch throughput.

PYTHONPATH=.:tests python bench/bulk.py [PHOTOS]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from measuring import DATA, memory, save, site_model
from throughput import best_rate

from app.recognition.bulk import find_photos
from app.recognition.bundle import load_bundle
from app.recognition.engines import OpenVinoEngine
from app.settings import ROOT

PHOTOS = 5000
ENGINE_SECONDS = 4.0


def main(count: int) -> None:
    """Classify a fifth of the photos and then all, to see whether memory grows with their number."""
    bundle = load_bundle(ROOT / "weights" / site_model())
    engine = OpenVinoEngine(bundle)
    rates, bare, memories = [], [], {}
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), count)
        fewer = find_photos([Path(folder)]).photos[: count // 5]
        for photos in (fewer, [Path(folder)]):
            bare.append(best_rate(engine, bundle.preprocessing.side, ENGINE_SECONDS))
            number = len(find_photos(photos).photos)
            rate, memories[number] = classify(photos, number)
            rates.append(rate)
    best = statistics.median(bare)
    rows = [
        {
            "photos": number,
            "photos a second": rate,
            "of the bare engine": rate / best,
            "most memory MB": memories[number],
        }
        for number, rate in zip(memories, rates, strict=True)
    ]
    save("bulk", f"In bulk: flask classify --json, {site_model()}", rows, (
        "Copies of photos of val. Counted from the first answer to the last, as starting takes a second "
        f"however many there are. The engine alone at its best batch, in turn: {best:.0f} photos a second."
    ))  # fmt: skip


def fill(folder: Path, count: int) -> None:
    """Copy photos of val again and again, under different names."""
    for number, path in enumerate(islice(cycle(find_photos([DATA / "val"]).photos), count)):
        shutil.copy(path, folder / f"{number:05}{path.suffix}")


def classify(paths: list[Path], count: int) -> tuple[float, float]:
    """Return the photos a second and the peak resident megabytes of the command."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "classify", "--json", *map(str, paths)]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        lines = iter(process.stdout)
        next(lines)
        started = time.perf_counter()
        most = max(watched(lines, process.pid))
        seconds = time.perf_counter() - started
    return (count - 1) / seconds, most


def watched(lines: Iterator[str], pid: int) -> Iterator[float]:
    """Yield the memory of a process at intervals while its lines arrive."""
    for number, _ in enumerate(lines):
        if number % 100 == 0:
            yield memory(pid)["resident"]


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else PHOTOS)
