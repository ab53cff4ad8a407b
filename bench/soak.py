"""Request 10,000 predictions from the running site and watch its memory; writes docs/soak.svg.

PYTHONPATH=.:tests python bench/soak.py

The photos have many sizes and formats, and every fifth is damaged. Half are uploaded on the page, by visitors
who come and go; half go to the API.
"""

import itertools
import random
import re
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hostile_photos as photos
import matplotlib as mpl
import requests
from helpers import jpeg
from live_site import LiveSite
from PIL import Image
from skimage import data

mpl.use("svg")
from matplotlib import pyplot as plt

PREDICTIONS = 10_000
CLIENTS = 4
PHOTOS_A_VISIT = 25
SAMPLE_SECONDS = 0.5
PLOT = Path(__file__).parent.parent / "docs" / "soak.svg"


class Soak:
    """Counts predictions, and notes the worker's memory as they grow."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site
        self.done = 0
        self.refused = 0
        self.samples: list[tuple[int, float]] = []
        self.sound = sound_photos()
        self.damaged = [photo[: len(photo) * 2 // 3] for photo in self.sound]
        self._lock = threading.Lock()

    def visit(self, number: int) -> None:
        """Act as one visitor or program with some photos."""
        chance = random.Random(number)
        with requests.Session() as http:
            form = token(http, self.site.url) if number % 2 else {}
            path = "/classify/" if number % 2 else "/api/v1/predictions"
            for count in range(PHOTOS_A_VISIT):
                is_damaged = count % 5 == 4
                photo = chance.choice(self.damaged if is_damaged else self.sound)
                answer = http.post(
                    self.site.url + path, data=form, files={"image": photo}, allow_redirects=False, timeout=60
                )
                assert answer.status_code in ({422} if is_damaged else {200, 303}), answer.text
                with self._lock:
                    self.done += not is_damaged
                    self.refused += is_damaged

    def watch(self, stop: threading.Event) -> None:
        """Note the memory twice a second."""
        status = Path(f"/proc/{self.site.worker()}/status")
        while not stop.wait(SAMPLE_SECONDS):
            found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
            assert found
            self.samples.append((self.done, int(found[1]) / 1024))

    def mean(self, begin: float, end: float) -> float:
        """Average the memory between two shares of all predictions."""
        values = [mb for done, mb in self.samples if begin <= done / PREDICTIONS <= end]
        return sum(values) / len(values)


def sound_photos() -> list[bytes]:
    """Make photos of 180 px to 12 megapixels, in every accepted format."""
    coffee = Image.fromarray(data.coffee())
    made = [jpeg(coffee.resize(size)) for size in ((180, 120), (600, 400), (1600, 1067), (4000, 3000))]
    small = coffee.resize((300, 200))
    made += [photos.encode(small, kind) for kind in ("PNG", "WEBP", "GIF")]
    return [*made, photos.cmyk_jpeg(), photos.transparent_webp(), photos.rotated(6), photos.palette_png()]


def token(http: requests.Session, url: str) -> dict[str, str]:
    found = re.search(r'name="csrf_token" value="([^"]+)"', http.get(f"{url}/classify/", timeout=60).text)
    assert found
    return {"csrf_token": found[1]}


def main() -> None:
    """Soak the site, print the figures, draw the plot."""
    with tempfile.TemporaryDirectory() as folder, LiveSite(Path(folder) / "instance") as site:
        soak, stop = Soak(site), threading.Event()
        watcher = threading.Thread(target=soak.watch, args=(stop,))
        watcher.start()
        started = time.perf_counter()
        visits = -(-PREDICTIONS * 5 // 4 // PHOTOS_A_VISIT)
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(soak.visit, itertools.islice(itertools.count(), visits)))
        seconds = time.perf_counter() - started
        stop.set()
        watcher.join()
        worker = site.log().count("Booting worker")
    early, late = soak.mean(0.1, 0.2), soak.mean(0.9, 1.0)
    print(f"{soak.done:,} predictions and {soak.refused:,} refusals in {seconds:.0f} s, {worker} worker.")
    print(f"Mean resident memory: {early:.1f} MB in the second thousand, {late:.1f} MB in the last;")
    print(f"change {100 * (late / early - 1):+.1f} %, most {max(mb for _, mb in soak.samples):.1f} MB.")
    draw(soak.samples)


def draw(samples: list[tuple[int, float]]) -> None:
    """Plot memory against predictions."""
    mpl.rcParams.update({"svg.hashsalt": "soak", "font.size": 9})
    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    axes.plot(*zip(*samples, strict=True), linewidth=0.8)
    axes.set(xlabel="predictions", ylabel="resident memory, MB", xlim=(0, PREDICTIONS), ylim=(0, None))
    axes.grid(alpha=0.3)
    figure.savefig(PLOT, metadata={"Date": None})


if __name__ == "__main__":
    main()
