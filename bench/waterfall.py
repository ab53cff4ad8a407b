"""Measure where the time of one upload goes, from its first byte to the page of its answer.

PYTHONPATH=.:tests python bench/waterfall.py

The steps are those of app/web/pages/asking.py, measured on its functions one after the other. Whole requests
are measured at the running site, by a client on the same machine.
"""

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from secrets import token_urlsafe

import numpy as np
import requests
from live_site import LiveSite
from matplotlib.figure import Figure
from measuring import API, SIZES, in_turn, jpeg, medians, multipart, plot, save, site_model
from werkzeug.formparser import parse_form_data

from app import create_app
from app.evaluation.plots import MAIN, QUIET, SECOND
from app.history import open_store
from app.recognition.origin import Origin
from app.recognition.photos import fingerprint, open_photo, perceptual_hash, thumbnail
from app.recognition.prediction import predict
from app.recognition.preprocess import preprocess
from app.recognition.service import ModelService
from app.settings import ROOT, Settings
from app.web.classifying import Answered, make_entry

ROUNDS = 40
ALLOWED = {"180 px": 6, "12 megapixels": 45}  # ms that the server may add to the bare network


def main() -> None:
    """Measure the steps for each size, then whole requests."""
    service = ModelService(ROOT / "weights" / site_model())
    service.wait()
    with tempfile.TemporaryDirectory() as folder:
        steps = {size: measure_steps(service, Path(folder), jpeg(size)) for size in SIZES}
    with tempfile.TemporaryDirectory() as folder, LiveSite(Path(folder) / "instance") as site:
        whole = measure_requests(site)
    rows = []
    for size, times in steps.items():
        server = sum(times.values())
        rows.append(
            {
                "photo": f"{size}, {len(jpeg(size)) / 1000:.0f} kB",
                **{f"{name} ms": milliseconds for name, milliseconds in times.items()},
                "all steps ms": server,
                "beyond the network ms": server - times["network"],
                "allowed ms": ALLOWED.get(size, ""),
                "API as a client sees it ms": whole[size],
            }
        )
    save("waterfall", f"From photo to answer: {site_model()}", rows, (
        f"Medians of {ROUNDS} rounds. Receive: Werkzeug's parser; decode: with JPEG's "
        "draft scaling; network: the bare engine; answer: calibration, verdict and roll-up; thumbnail: from "
        "the decoded photo, with its two hashes; history: one row in SQLite; render: the page of the answer "
        "that the visitor is sent to, a request of its own."
    ))  # fmt: skip
    plot("waterfall", lambda figure: draw(figure, steps))


def measure_steps(service: ModelService, folder: Path, photo: bytes) -> dict[str, float]:
    """Return the median milliseconds of each step, in order."""
    app = create_app(Settings(instance=folder, rate_limit="off", page_rate_limit="off", model=service.model))
    app.extensions["site"].models.loaded[service.model] = service
    client = app.test_client()
    client.get("/classify/")
    with client.session_transaction(path="/classify/") as session:
        owner = session.setdefault("history", "of-the-test")
    store = open_store(app.extensions["site"].settings)
    how = service.require_ready().preprocessing
    opened = open_photo(photo)
    array = preprocess(opened, how)
    engine = service._network
    assert engine
    logits = engine.run(array[None])[0]
    answer = predict(logits, service.require_ready())
    small = thumbnail(opened)

    first = make_entry(Answered(opened, answer, 9.0), Origin())
    store.add(owner, first, small)
    works: dict[str, Callable[[], object]] = {
        "receive": lambda: receive(photo),
        "decode": lambda: open_photo(photo),
        "resize": lambda: preprocess(opened, how),
        "network": lambda: engine.run(array[None]),
        "answer": lambda: predict(logits, service.require_ready()).to_json(),
        "thumbnail": lambda: (thumbnail(opened), fingerprint(opened), perceptual_hash(opened)),
        "history": lambda: store.add("another visitor", replace(first, id=token_urlsafe(12)), small),
        "render": lambda: client.get(f"/classify/{first.id}"),
    }
    return medians(in_turn(works, ROUNDS))


def receive(photo: bytes) -> None:
    """Parse the form of a request that has arrived."""
    body = multipart(photo)
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "multipart/form-data; boundary=photo",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    parse_form_data(environ)[2]["image"].read()


def measure_requests(site: LiveSite) -> dict[str, float]:
    """Return the median milliseconds of an API request for each photo, as a client measures them."""
    times: dict[str, list[float]] = {size: [] for size in SIZES}
    with requests.Session() as http:
        for number in range(ROUNDS + 3):
            for size, values in times.items():
                started = time.perf_counter()
                http.post(site.url + API, files={"image": jpeg(size)}, timeout=30).raise_for_status()
                if number >= 3:
                    values.append((time.perf_counter() - started) * 1000)
    return {size: statistics.median(values) for size, values in times.items()}


def draw(figure: Figure, steps: dict[str, dict[str, float]]) -> None:
    """Draw each step from the end of the one before it."""
    figure.set_size_inches(7, 6)
    all_axes = figure.subplots(len(steps), sharex=True)
    for axes, (size, times) in zip(all_axes, steps.items(), strict=True):
        starts = np.cumsum([0, *times.values()])
        colours = [SECOND if name == "network" else MAIN for name in times]
        axes.barh(list(times), list(times.values()), left=starts[:-1], color=colours)
        axes.axvline(starts[-1], color=QUIET)
        axes.invert_yaxis()
        axes.set_title(f"{size}: {starts[-1]:.1f} ms", fontsize=12, loc="left")
        axes.tick_params(labelsize=9)
    all_axes[-1].set(xlabel="ms", xlim=(0, None))


if __name__ == "__main__":
    main()
