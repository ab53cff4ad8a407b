"""Measure how many photos a second the running site answers, next to the bare engine.

PYTHONPATH=.:tests python bench/throughput.py [SECONDS]
"""

import resource
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import requests
from helpers import wait_until
from live_site import LiveSite
from matplotlib.figure import Figure
from measuring import API, CORES, Load, jpeg, load, plot, save, site_model

from app.evaluation.plots import MAIN, SECOND
from app.recognition.bundle import load_bundle
from app.recognition.engines import NICENESS, Array, OpenVinoEngine
from app.settings import ROOT

CONNECTIONS = (1, 2, 4, 8, 16, 32)
COMPARED = (1, 8, 32)
BATCHES = (1, 2, 4, 8, 16)
ROUNDS = 3
NETWORK, LOOP = "the network", "receiving and sending"
HANDLERS = "form, decoding, resizing, answer"


def main(seconds: int) -> None:
    """Load one worker over several numbers of connections, in turn with the engine; then compare workers."""
    bundle = load_bundle(ROOT / "weights" / site_model())
    engine = OpenVinoEngine(bundle)
    loads: dict[int, list[Load]] = {connections: [] for connections in CONNECTIONS}
    bare = []
    for number in range(ROUNDS):
        bare.append(best_rate(engine, bundle.preprocessing.side, 2.0 * seconds))
        with tempfile.TemporaryDirectory() as folder, LiveSite(Path(folder) / "instance") as site:
            load(site.url + API, 8, 2, jpeg("180 px"))  # warms what only a crowd needs
            for connections in CONNECTIONS:
                loads[connections].append(load_idle(site, connections, seconds))
        print(f"round {number + 1} of {ROUNDS}", flush=True)
    best = statistics.median(bare)
    rows = [describe(connections, measured, best) for connections, measured in loads.items()]
    save("throughput", f"Throughput: {site_model()}, photos of 180 px", rows, (
        f"One worker process, wrk on the same {CORES} cores, {ROUNDS} rounds of {seconds} s in turn with the "
        f"engine. The engine alone, at its best batch, on prepared arrays: {best:.0f} photos a second."
    ))  # fmt: skip
    plot("throughput", lambda figure: draw(figure, rows, best))
    split_up(seconds, best)
    compare_workers(seconds, best)


def describe(connections: int, measured: list[Load], best: float) -> dict[str, object]:
    """Make a row of medians."""
    rate = statistics.median(one.rate for one in measured)
    p50, p90, p99 = (
        statistics.median(getattr(one, name) for one in measured) for name in ("p50", "p90", "p99")
    )
    return {
        "connections": connections,
        "photos a second": rate,
        "of the bare engine": rate / best,
        "p50 ms": p50,
        "p90 ms": p90,
        "p99 ms": p99,
        "p99 / p50": p99 / p50,
        "failed": sum(one.failed for one in measured),
    }


def best_rate(engine: OpenVinoEngine, side: int, seconds: float) -> float:
    """Return the engine's photos a second at its best batch, with one run at a time on each core."""
    rates = []
    with ThreadPoolExecutor(CORES) as pool:
        for size in BATCHES:
            batch = np.random.default_rng(1).uniform(-1, 1, (size, side, side, 3)).astype(np.float32)
            list(pool.map(engine.run, [batch] * CORES))
            started = time.perf_counter()
            until = started + seconds / len(BATCHES)
            runs = sum(pool.map(run_until, [engine] * CORES, [batch] * CORES, [until] * CORES))
            rates.append(runs * size / (time.perf_counter() - started))
    return max(rates)


def run_until(engine: OpenVinoEngine, batch: Array, until: float) -> int:
    """Run the engine until a time, and count the runs."""
    runs = 0
    while time.perf_counter() < until:
        engine.run(batch)
        runs += 1
    return runs


def split_up(seconds: int, best: float) -> None:
    """Measure how the threads of one worker use the cores at 8 connections."""
    with tempfile.TemporaryDirectory() as folder, LiveSite(Path(folder) / "instance") as site:
        load(site.url + API, 8, 2, jpeg("180 px"))
        worker = site.worker()
        before, load_before = thread_seconds(worker), resource.getrusage(resource.RUSAGE_CHILDREN)
        measured = load(site.url + API, 8, 2 * seconds, jpeg("180 px"))
        after, load_after = thread_seconds(worker), resource.getrusage(resource.RUSAGE_CHILDREN)
    photos = measured.rate * 2 * seconds
    spent = {what: (after[what] - before[what]) * 1000 / photos for what in after}
    spent["wrk"] = sum(load_after[:2]) - sum(load_before[:2])  # user and system time
    spent["wrk"] *= 1000 / photos
    spent["nothing: a core waits"] = max(0.0, CORES * 1000 / measured.rate - sum(spent.values()))
    save("cores", "Where the cores' time goes at 8 connections", [
        {"what": what, "ms of a core a photo": milliseconds} for what, milliseconds in spent.items()
    ], (
        f"By the threads of the worker, {measured.rate:.0f} photos a second. The engine alone needs "
        f"{CORES * 1000 / best:.1f} ms at its best batch; 90 % of its throughput would leave "
        f"{CORES * 100 / best / 0.9:.1f} ms for all else."
    ))  # fmt: skip


def thread_seconds(pid: int) -> dict[str, float]:
    """Return the processor time of a worker's threads so far; those of the network have a lower priority."""
    spent = {NETWORK: 0.0, LOOP: 0.0, HANDLERS: 0.0}
    for task in Path(f"/proc/{pid}/task").iterdir():
        nanoseconds = int((task / "schedstat").read_text().split()[0])
        nice = int((task / "stat").read_text().rpartition(")")[2].split()[16])
        name = (task / "comm").read_text().strip()
        loops = int(task.name) == pid or name.startswith("tokio")
        what = NETWORK if nice == NICENESS else LOOP if loops else HANDLERS
        spent[what] += nanoseconds / 1e9
    return spent


def load_idle(site: LiveSite, connections: int, seconds: int) -> Load:
    """Load the site after it has answered all earlier requests: wrk does not wait for its last ones."""
    wait_until(lambda: "\nsite_queue_length 0.0" in requests.get(f"{site.url}/metrics", timeout=10).text)
    return load(site.url + API, connections, seconds, jpeg("180 px"))


def compare_workers(seconds: int, best: float) -> None:
    """Compare one process that uses all cores with one process for each core."""
    loads: dict[tuple[int, int], list[Load]] = {}
    for _ in range(ROUNDS):
        for workers in sorted({1, CORES}):
            with (
                tempfile.TemporaryDirectory() as folder,
                LiveSite(Path(folder) / "instance", WEB_CONCURRENCY=str(workers)) as site,
            ):
                load(site.url + API, 8, 2, jpeg("180 px"))
                for connections in COMPARED:
                    key = workers, connections
                    loads.setdefault(key, []).append(load_idle(site, connections, seconds))
    rows = [
        {
            "processes": workers,
            "threads of each network": CORES // workers,
            **describe(connections, measured, best),
        }
        for (workers, connections), measured in loads.items()
    ]
    save("workers", "Worker processes and threads", rows)


def draw(figure: Figure, rows: list[dict[str, object]], best: float) -> None:
    above, below = figure.subplots(2, sharex=True)
    connections = [row["connections"] for row in rows]
    above.axhline(best, color=SECOND, linestyle=":", label="bare engine")
    above.plot(connections, [row["photos a second"] for row in rows], color=MAIN, marker="o", label="site")
    above.set(ylabel="photos a second", ylim=(0, None))
    above.legend(loc="lower right")
    for name, colour in (("p50 ms", MAIN), ("p99 ms", SECOND)):
        below.plot(connections, [row[name] for row in rows], color=colour, marker="o", label=name.split()[0])
    below.set(xlabel="connections", ylabel="ms", xscale="log", ylim=(0, None))
    below.set_xticks(connections, [str(count) for count in connections])
    below.minorticks_off()
    below.legend()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 4)
