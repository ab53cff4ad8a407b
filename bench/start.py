"""Measure how long the site takes to start, and how much memory its workers have and share.

PYTHONPATH=.:tests python bench/start.py
"""

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from live_site import LiveSite
from measuring import API, family, jpeg, memory, save, site_model

ROUNDS = 3
UPLOADS = 40


def main() -> None:
    """Start the site with one and two workers in turn; measure it before and after some uploads."""
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for workers, measured in found.items():
            measured.append(measure(workers))
    rows = [
        {
            "workers": workers,
            **{name: statistics.median(one[name] for one in measured) for name in measured[0]},
        }
        for workers, measured in found.items()
    ]
    first, both = (row["all processes, proportional MB"] for row in rows)
    save("start", f"Start and memory: {site_model()}", rows, (
        f"Medians of {ROUNDS} starts; memory after {UPLOADS} photos of 1 megapixel. Proportional: pages that "
        f"processes share are shared out among them. The second worker costs {both - first:.0f} MB."
    ))  # fmt: skip


def measure(workers: int) -> dict[str, float]:
    """Start the site and return its figures."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with LiveSite(Path(folder) / "instance", WEB_CONCURRENCY=str(workers)) as site:
            ready = time.perf_counter() - started
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _: upload(site.url), range(UPLOADS)))
            pids = site.workers()
            sizes = [memory(pid) for pid in pids]
            everything = sum(memory(pid)["proportional"] for pid in family(site.process.pid))
    return {
        "exec to ready s": ready,
        "a worker, resident MB": statistics.mean(size["resident"] for size in sizes),
        "a worker, proportional MB": statistics.mean(size["proportional"] for size in sizes),
        "all processes, proportional MB": everything,
    }


def upload(url: str) -> None:
    requests.post(url + API, files={"image": jpeg("1 megapixel")}, timeout=60).raise_for_status()


if __name__ == "__main__":
    main()
