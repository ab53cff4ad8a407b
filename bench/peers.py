"""Compare the site with what people use instead: same weights, same photos, one run.

PYTHONPATH=.:tests python bench/peers.py [SECONDS]     in the peers' environment, which run.py makes
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from helpers import free_port
from live_site import LiveSite
from measuring import API, family, jpeg, load, memory, save, site_model

from app.settings import ROOT

HERE = Path(__file__).parent / "peers"
CONNECTIONS = 8
WARM = 10  # seconds
PATIENCE = 120  # seconds that a peer may take to start


@dataclass(frozen=True)
class Running:
    """A running server: the URL for a form with a photo, its start time in seconds, and its process."""

    url: str
    seconds: float
    pid: int


def main(seconds: int) -> None:
    """Start, measure and stop one server after the other."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder) / "network.onnx"
        subprocess.run([sys.executable, __file__, "export", str(onnx)], check=True)
        peers: dict[str, Callable[[], AbstractContextManager[Running]]] = {
            "this site": site,
            "Flask and model.predict": lambda: peer("flask_predict.py"),
            "Gradio Interface": lambda: peer("gradio_interface.py"),
            "BentoML, batching on tf.function": lambda: peer("bento_service.py"),
            "ONNX Runtime float32, bare WSGI": lambda: peer("onnx_wsgi.py", ONNX=str(onnx)),
        }
        for name, start in peers.items():
            try:
                with start() as running:
                    rows.append({"server": name, **measure(name, running, seconds)})
            except (OSError, AssertionError, ValueError, subprocess.SubprocessError) as error:
                print(f"{name} was not measured: {error}", flush=True)
    first = rows[0]["photos a second"]
    for row in rows:
        row["the site is faster by"] = first / (row["photos a second"] or float("nan"))
    save("peers", f"Beside what people use instead: {site_model()}, photos of 180 px", rows, (
        f"{CONNECTIONS} connections for {seconds} s, warm, wrk on the same cores; Gradio by a client that "
        "takes its two steps, upload and then the events of its queue."
    ))  # fmt: skip


@contextmanager
def site() -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with LiveSite(Path(folder) / "instance") as live:
            yield Running(live.url + API, time.perf_counter() - started, live.process.pid)


@contextmanager
def peer(script: str, **environment: str) -> Iterator[Running]:
    """Run a peer until the block ends."""
    port = free_port()
    bundle = str(ROOT / "weights" / site_model())
    path = os.pathsep.join([str(HERE), str(HERE.parent), str(ROOT)])
    own = {"PORT": str(port), "BUNDLE": bundle, "PYTHONPATH": path, "GRADIO_ANALYTICS_ENABLED": "False"}
    command = [sys.executable, str(HERE / script)]
    url, ready = f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port}/"
    if script.startswith("bento"):
        own["BENTOML_DO_NOT_TRACK"] = "True"
        command = [sys.executable, "-m", "bentoml", "serve", "bento_service:Classifier", "--port", str(port)]
        url, ready = f"{url}predict", f"{ready}readyz"
    elif script.startswith("flask"):
        ready = f"{ready}ready"
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=HERE, env={**os.environ, **own, **environment}, stdout=log, stderr=log
        )
        try:
            while not answers(ready):
                assert process.poll() is None, "it ended at once"
                assert time.perf_counter() - started < PATIENCE, "it did not start in time"
                time.sleep(0.05)
            yield Running(url, time.perf_counter() - started, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def measure(name: str, running: Running, seconds: int) -> dict[str, float]:
    """Return rate, latencies, memory and start time of a server."""
    if name.startswith("Gradio"):
        ask_gradio(running.url, WARM)
        rate, p50, p99, failed = ask_gradio(running.url, seconds)
    else:
        load(running.url, CONNECTIONS, WARM, jpeg("180 px"))
        found = load(running.url, CONNECTIONS, seconds, jpeg("180 px"))
        rate, p50, p99, failed = found.rate, found.p50, found.p99, found.failed
    return {
        "photos a second": rate,
        "p50 ms": p50,
        "p99 ms": p99,
        "failed": failed,
        "memory MB": sum(memory(pid)["proportional"] for pid in family(running.pid)),
        "start s": running.seconds,
    }


def ask_gradio(url: str, seconds: float) -> tuple[float, float, float, int]:
    """Request predictions as Gradio's own clients do, over several connections."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    def visit() -> None:
        with requests.Session() as http:
            while time.perf_counter() < end:
                started = time.perf_counter()
                files = {"files": ("a.jpg", jpeg("180 px"))}
                path = http.post(f"{url}gradio_api/upload", files=files).json()[0]
                photo = {"path": path, "meta": {"_type": "gradio.FileData"}}
                call = http.post(f"{url}gradio_api/call/predict", json={"data": [photo]}).json()
                events = http.get(f"{url}gradio_api/call/predict/{call['event_id']}").text
                assert "complete" in events, events
                times.append((time.perf_counter() - started) * 1000)

    threads = [threading.Thread(target=visit) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) > 1, "it gave no answers"
    cuts = statistics.quantiles(times, n=100)
    return len(times) / seconds, cuts[49], cuts[98], 0


def export_onnx(path: Path) -> None:
    """Write the network to an ONNX file, in a process of its own."""
    from app.recognition.bundle import KERAS_WEIGHTS, load_bundle
    from app.recognition.network import build_network
    from app.training.formats import write_onnx

    bundle = load_bundle(ROOT / "weights" / site_model())
    network = build_network(bundle.architecture, len(bundle.taxonomy))
    network.load_weights(bundle.folder / KERAS_WEIGHTS)
    write_onnx(network, bundle.preprocessing.side, path)


if __name__ == "__main__":
    if sys.argv[1:2] == ["export"]:
        export_onnx(Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 8)
