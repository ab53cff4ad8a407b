"""Shared parts of the benchmarks: photos, rounds in turn, load by wrk, tables and plots in docs/bench."""

import csv
import io
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image
from skimage import data

from app.evaluation.plots import svg
from app.recognition.bundle import Bundle, load_bundle
from app.settings import ROOT, read_settings

RESULTS = ROOT / "docs" / "bench"
DATA = ROOT.parent / "shared" / "products"
SIZES = {"180 px": (180, 120), "1 megapixel": (1224, 816), "12 megapixels": (4000, 3000)}
CORES = len(os.sched_getaffinity(0))
PACKAGES = ("openvino", "tensorflow", "keras", "flask", "granian", "pillow", "numpy")
API = "/api/v1/predictions"
BOUNDARY = "photo"
WRK = """
local file = io.open("{body}", "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = "multipart/form-data; boundary={boundary}"
file:close()
"""
DONE = """
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    errors.status, errors.status + errors.connect + errors.timeout, -- a closed connection is no error
    latency:percentile(50), latency:percentile(90), latency:percentile(99)))
end
"""


@cache
def jpeg(name: str) -> bytes:
    """Encode the same CC0 photo in one of `SIZES`: as from a catalogue, the web or a phone."""
    file = io.BytesIO()
    Image.fromarray(data.coffee()).resize(SIZES[name]).save(file, "JPEG", quality=88)
    return file.getvalue()


def bundles() -> list[Bundle]:
    """Load every bundle of the site."""
    return [load_bundle(path.parent) for path in sorted((ROOT / "weights").glob("*/manifest.json"))]


def site_model() -> str:
    """Return the id of the site's default network."""
    return read_settings(os.environ).model


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int, warm: int = 3) -> dict[str, list[float]]:
    """Run all works in each round, so that a slow moment affects them alike; return their milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + warm):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if number >= warm:
                times[name].append((time.perf_counter() - started) * 1000)
    return times


def medians(times: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in times.items()}


@dataclass(frozen=True)
class Load:
    """Results of wrk: answers a second, how many of them were refusals, all failures, latencies in ms."""

    rate: float
    refused: float
    failed: int
    p50: float
    p90: float
    p99: float


def load(url: str, connections: int, seconds: int, photo: bytes = b"") -> Load:
    """Have wrk request `url` over `connections` connections at once, with a photo as an upload."""
    with tempfile.TemporaryDirectory() as folder:
        body, script = Path(folder) / "body", Path(folder) / "script.lua"
        body.write_bytes(multipart(photo))
        script.write_text((WRK.format(body=body, boundary=BOUNDARY) if photo else "") + DONE)
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--timeout", "30"]
        command += ["--duration", f"{seconds}s", "--script", str(script), url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests, micros, refused, failed, *latencies = map(int, output.partition("RESULT ")[2].split())
    took = micros / 1e6
    return Load(requests / took, refused / took, failed, *(latency / 1000 for latency in latencies))


def multipart(photo: bytes) -> bytes:
    """Return the body of a form with a photo in the field `image`."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return head.encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()


def memory(pid: int) -> dict[str, float]:
    """Return the resident and the proportional megabytes of a process; the latter divide shared pages."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return {"resident": sizes["Rss"], "proportional": sizes["Pss"]}


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def family(pid: int) -> list[int]:
    """Return the ids of a process and of all its descendants."""
    return [pid, *(other for child in children(pid) for other in family(child))]


def save(name: str, title: str, rows: Sequence[Mapping[str, object]], remarks: str = "") -> None:
    """Write a table to docs/bench/NAME.csv and, for readers, NAME.md; print it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    columns = list(rows[0])
    with (RESULTS / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: shown(value) for key, value in row.items()} for row in rows)
    numeric = [isinstance(rows[0][column], int | float) for column in columns]
    lines = [columns, ["---:" if is_number else "---" for is_number in numeric]]
    lines += [[shown(row[column]) for column in columns] for row in rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text = f"## {title}\n\n{table}\n" + (f"\n{remarks}\n" if remarks else "")
    (RESULTS / f"{name}.md").write_text(text)
    print(text, flush=True)


def shown(value: object) -> str:
    """Write a number with three significant digits."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def plot(name: str, draw: Callable[[Figure], None]) -> None:
    """Draw docs/bench/NAME.svg, and show it below the table of the same name."""
    (RESULTS / f"{name}.svg").write_text(svg(draw))
    path = RESULTS / f"{name}.md"
    path.write_text(path.read_text() + f"\n![{name}]({name}.svg)\n")


def machine() -> str:
    """Describe the machine and the time of the measurement in one line."""
    info = Path("/proc/cpuinfo").read_text()
    model = info.partition("model name\t: ")[2].partition("\n")[0]
    extensions = [name for name in ("avx512f", "avx512_vnni", "avx512_bf16", "amx_int8") if name in info]
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    abilities = ", ".join(extensions) or "no AVX-512"
    return (
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, {CORES} cores of {model} "
        f"({abilities}), Linux {platform.release()}, Python {platform.python_version()}, "
        f"{packages}; load average at the start {os.getloadavg()[0]:.1f}"
    )


def check_tools() -> None:
    """Exit with a sentence if the photos are missing."""
    if not DATA.is_dir():
        sys.exit(f"The benchmarks need the labelled photos in {DATA}.")
