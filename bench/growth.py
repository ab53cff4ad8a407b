"""Measure how cost grows with classes, rows of history, the size of an upload, and connections.

PYTHONPATH=.:tests python bench/growth.py
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import history
import keras
import numpy as np
import openvino
from live_site import LiveSite
from matplotlib.figure import Figure
from measuring import API, CORES, Load, in_turn, jpeg, load, medians, memory, plot, save, site_model

from app.evaluation.plots import MAIN
from app.recognition.bundle import Bundle, load_bundle
from app.recognition.network import build_network
from app.recognition.prediction import AnswerJson, predict
from app.recognition.taxonomy import Category, Taxonomy
from app.recognition.tree import Tree
from app.settings import ROOT, Settings
from app.training.convert import to_openvino

CLASSES = (150, 500, 5270)
ROWS = (10, 100, 1000, 3000, 10000)
UPLOAD_KB = (10, 100, 1000, 3000, 9000)
CONNECTIONS = (1, 8, 32, 60, 256)
ROUNDS = 30
SECONDS = 3


def main() -> None:
    """Measure and draw each kind of growth."""
    grow_classes()
    grow_rows()
    grow_uploads_and_connections()


def grow_classes() -> None:
    """Give the network random heads of several sizes, with a tree of 50 departments above them."""
    bundle = load_bundle(ROOT / "weights" / site_model())
    side = bundle.preprocessing.side
    photo = np.random.default_rng(1).uniform(-1, 1, (1, side, side, 3)).astype(np.float32)
    works: dict[str, Callable[[], object]] = {}
    sizes = {}
    for classes in CLASSES:
        taxonomy = Taxonomy(tuple(made_up_category(number) for number in range(classes)))
        network = build_network(bundle.architecture, classes)
        model = to_openvino(network, side)
        keras.utils.clear_session()
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": CORES,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        request = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()
        request.infer([photo])
        sizes[classes] = sum(weight.numpy().nbytes for weight in network.layers[-1].weights) / 1e6
        logits = np.random.default_rng(2).normal(size=classes).astype(np.float32)
        own = replace(bundle, taxonomy=taxonomy)
        tree, probabilities = Tree(taxonomy), np.full(classes, 1 / classes)
        works[f"network {classes}"] = partial(request.infer, [photo])
        works[f"answer {classes}"] = partial(answer, logits, own)
        works[f"roll-up {classes}"] = partial(tree.climb, probabilities, 3)
    found = medians(in_turn(works, ROUNDS, warm=5))
    rows = [
        {
            "classes": classes,
            "network ms": found[f"network {classes}"],
            "answer ms": found[f"answer {classes}"],
            "of it roll-up ms": found[f"roll-up {classes}"],
            "head's weights MB": sizes[classes],
        }
        for classes in CLASSES
    ]
    save("growth-classes", "Growth with classes", rows, (
        "Random weights of the head, float32. The answer: calibration, verdict, the 4 best, roll-up; the "
        "roll-up is one sparse product and may take 0.3 ms."
    ))  # fmt: skip
    names = ("network ms", "answer ms", "of it roll-up ms")
    plot("growth-classes", lambda figure: lines(figure, rows, "classes", names))


def answer(logits: np.ndarray, bundle: Bundle) -> AnswerJson:
    return predict(logits, bundle).to_json()


def made_up_category(number: int) -> Category:
    """Make up a leaf in a tree of three levels."""
    name = f"c{number}"
    return Category(number, name, f"d{number % 50}", f"s{number % 500}", f"l{number}", name, name)


def grow_rows() -> None:
    """Fill histories of several lengths in SQLite, and request the two pages of each."""
    with tempfile.TemporaryDirectory() as folder:
        stores = {count: Settings(instance=Path(folder) / str(count)) for count in ROWS}
        clients = {count: history.visit(settings, count) for count, settings in stores.items()}
        works = {
            f"{path} {count}": partial(client.get, path)
            for count, client in clients.items()
            for path in ("/classify/", "/classify/history")
        }
        found = medians(in_turn(works, 10))
    rows = [
        {
            "rows": count,
            "classifier's page ms": found[f"/classify/ {count}"],
            "worklist ms": found[f"/classify/history {count}"],
        }
        for count in ROWS
    ]
    save("growth-rows", "Growth with rows of history", rows, "SQLite, within the process.")
    names = ("classifier's page ms", "worklist ms")
    plot("growth-rows", lambda figure: lines(figure, rows, "rows", names))


def grow_uploads_and_connections() -> None:
    """Send ever larger uploads of the same photo, and the smallest one over more and more connections."""
    with tempfile.TemporaryDirectory() as folder, LiveSite(Path(folder) / "instance") as site:
        url = site.url + API
        worker = site.worker()
        load(url, 8, 2, jpeg("180 px"))
        uploads = []
        for size in UPLOAD_KB:
            measured = load(url, 1, SECONDS, padded(size * 1000))
            uploads.append({"kB": size, "p50 ms": measured.p50, "p99 ms": measured.p99})
        crowds = []
        for connections in CONNECTIONS:
            measured = load(url, connections, SECONDS, jpeg("180 px"))
            crowds.append(crowd_row(connections, measured, memory(worker)["resident"]))
    remark = "The same photo of 180 px with ever larger metadata behind it: what receiving and reading costs."
    save("growth-upload", "Growth with the size of an upload", uploads, remark)
    plot("growth-upload", lambda figure: lines(figure, uploads, "kB", ("p50 ms", "p99 ms")))
    remark = (
        "wrk asks again at once and does not wait as it is told to, so beyond 64 places most of what it gets "
        "is refusals; overload.py has clients that wait."
    )
    save("growth-connections", "Growth with connections", crowds, remark)
    names = ("photos a second", "refused a second")
    plot("growth-connections", lambda figure: lines(figure, crowds, "connections", names))


def padded(size: int) -> bytes:
    """Append comments to a JPEG until it has `size` bytes."""
    photo = jpeg("180 px")
    missing = max(0, size - len(photo))
    segments = b""
    while len(segments) < missing:
        length = min(65_000, max(2, missing - len(segments) - 2))
        segments += b"\xff\xfe" + length.to_bytes(2) + bytes(length - 2)
    return photo[:2] + segments + photo[2:]


def crowd_row(connections: int, measured: Load, resident: float) -> dict[str, object]:
    return {
        "connections": connections,
        "photos a second": measured.rate - measured.refused,
        "refused a second": measured.refused,
        "p50 ms": measured.p50,
        "p99 ms": measured.p99,
        "resident MB": resident,
    }


def lines(figure: Figure, rows: Sequence[Mapping[str, object]], x: str, names: tuple[str, ...]) -> None:
    """Plot columns of a table against `x`, each on its own axes."""
    figure.set_figheight(0.8 + 1.7 * len(names))
    for axes, name in zip(np.ravel(figure.subplots(len(names), sharex=True)), names, strict=True):
        axes.plot([row[x] for row in rows], [row[name] for row in rows], color=MAIN, marker="o")
        axes.set(ylabel=name, ylim=(0, None), xscale="log")
    axes.set(xlabel=x)


if __name__ == "__main__":
    main()
