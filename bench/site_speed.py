"""Measure the running site: start to ready, latency of one upload, memory. Prints a Markdown table.

PYTHONPATH=. python bench/site_speed.py
"""

import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests
from PIL import Image
from skimage import data

ROOT = Path(__file__).parent.parent
ADDRESS = "http://127.0.0.1:8765"
UPLOADS = 60


def main() -> None:
    """Start the site under gunicorn on an idle machine and measure it from outside."""
    with tempfile.TemporaryDirectory() as instance:
        environment = os.environ | {"PORT": "8765", "INSTANCE": instance, "RATE_LIMIT": "off"}
        command = [sys.executable, "-m", "gunicorn", "--config", "python:app.gunicorn_conf", "wsgi"]
        started = time.perf_counter()
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as master:
            try:
                wait_until_ready()
                rows = [("start to ready", f"{time.perf_counter() - started:.2f} s")]
                for name, photo in photos().items():
                    rows.append((f"one upload, {name}", f"{median_upload(photo):.1f} ms"))
                rows.append(("memory of the worker (resident)", f"{worker_memory(master.pid):.0f} MB"))
            finally:
                master.terminate()
    print("| what | measured |\n|---|---:|")
    for name, value in rows:
        print(f"| {name} | {value} |")


def photos() -> dict[str, bytes]:
    """The same CC0 photo as a catalogue picture, a web picture and a 12-megapixel phone photo."""
    coffee = Image.fromarray(data.coffee())
    sizes = {"180 px": (180, 120), "600 x 400 px": (600, 400), "12 megapixels": (4000, 3000)}
    return {name: jpeg(coffee.resize(size)) for name, size in sizes.items()}


def jpeg(photo: Image.Image) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def wait_until_ready() -> None:
    """Ask /readyz until it says yes."""
    while True:
        try:
            if requests.get(f"{ADDRESS}/readyz", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.02)


def median_upload(photo: bytes) -> float:
    """Median milliseconds of POST /api/v1/predictions from a client on the same machine."""
    times = []
    with requests.Session() as session:
        for _ in range(UPLOADS):
            started = time.perf_counter()
            answer = session.post(f"{ADDRESS}/api/v1/predictions", files={"image": photo}, timeout=30)
            times.append((time.perf_counter() - started) * 1000)
            answer.raise_for_status()
    return statistics.median(times[5:])


def worker_memory(master: int) -> float:
    """Resident megabytes of gunicorn's worker, from /proc."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    main()
