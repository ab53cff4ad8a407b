"""Measure how many pages a second the site sends, and how long a full history takes.

PYTHONPATH=.:tests python bench/pages.py
"""

import statistics
import tempfile
from pathlib import Path

import history
from live_site import LiveSite
from measuring import in_turn, load, save

from app.history.entry import MAX_ENTRIES
from app.settings import Settings

PAGES = {
    "instructions": "/",
    "source, a file": "/source/app/serving/front.py",
    "model": "/model/",
    "categories": "/categories/",
    "static, the largest style sheet": "/static/answer.css",
}
SECONDS = 3
ROUNDS = 3
HISTORY_ROUNDS = 20


def main() -> None:
    """Load the pages in turn from another core; then request the history of a full session."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in PAGES}
    with tempfile.TemporaryDirectory() as folder, LiveSite(Path(folder) / "instance") as site:
        worker = site.worker()
        for _ in range(ROUNDS):
            for name, path in PAGES.items():
                before = processor_seconds(worker)
                measured = load(site.url + path, 4, SECONDS)
                busy = processor_seconds(worker) - before
                found[name].append((measured.rate, measured.rate * SECONDS / busy))
    rows: list[dict[str, object]] = [
        {
            "page": name,
            "requests a second": statistics.median(rate for rate, _ in measured),
            "requests a second of processor time": statistics.median(rate for _, rate in measured),
            "ms": "",
            "allowed": "at least 1,000",
        }
        for name, measured in found.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        client = history.visit(Settings(instance=Path(folder)))
        works = {path: lambda path=path: client.get(path) for path in ("/classify/", "/classify/history")}
        times = in_turn(works, HISTORY_ROUNDS)
    for name, path, allowed in (
        (f"history, 25 of {MAX_ENTRIES:,} rows", "/classify/", "at most 8 ms"),
        (f"worklist, 25 of {MAX_ENTRIES:,} rows", "/classify/history", ""),
    ):
        rows.append(
            {
                "page": name,
                "requests a second": "",
                "requests a second of processor time": "",
                "ms": statistics.median(times[path]),
                "allowed": allowed,
            }
        )
    save("pages", "Pages", rows, (
        "One worker, 4 connections. Python runs on one core at a time; processor time is all that the worker "
        "used. History and worklist: within the process, SQLite."
    ))  # fmt: skip


def processor_seconds(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    main()
