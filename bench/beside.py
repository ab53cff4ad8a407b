"""Measure the processor time of a photo in one process, beside the network, decoding and resizing.

PYTHONPATH=.:tests python bench/beside.py [ROUNDS]

The front gets the requests from this script instead of a server, and the network answers at once with the
same logits. What is left is form, rates, session, metrics, JSON, digest, log and threads; for the page also
the thumbnail, its hashes, the history and the session's record. Each round has 50 requests of each kind; of
all rounds the fastest counts, because other work on the machine only ever adds.
"""

import asyncio
import logging
import logging.config
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from measuring import API, jpeg, multipart, site_model

from app.recognition.photos import open_photo
from app.recognition.preprocess import preprocess
from app.recognition.service import ModelService
from app.web import logs
from app.web.metric_files import share_numbers

EACH, SIZE = 50, "180 px"
RATE = "1000000 per minute"
FORM = [(b"host", b"site"), (b"content-type", b"multipart/form-data; boundary=photo")]
TOKEN = '--photo\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{}\r\n'


def main(rounds: int) -> None:
    """Measure photos by the API and by the page in turn, and print microseconds."""
    with tempfile.TemporaryDirectory() as folder:
        share_numbers(Path(folder))  # before anything counts
        front, service = make_site(Path(folder))
        photo, loop = jpeg(SIZE), asyncio.new_event_loop()
        opened, how = open_photo(photo), service.require_ready().preprocessing
        form = multipart(photo)
        page, head = loop.run_until_complete(ask(front, "GET", "/classify/"))
        token = re.search(rb'name="csrf_token" value="([^"]+)"', page)
        assert token
        cookie = (b"cookie", head[b"set-cookie"].split(b";")[0])
        own = TOKEN.format(token[1].decode()).encode() + form
        works: dict[str, Callable[[], object]] = {
            "by the API": lambda: loop.run_until_complete(ask(front, "POST", API, form)),
            "by the page": lambda: loop.run_until_complete(ask(front, "POST", "/classify/", own, cookie)),
            "decoding": lambda: open_photo(photo),
            "resizing": lambda: preprocess(opened, how),
        }
        times = {name: min(measure(work) for _ in range(rounds)) for name, work in works.items()}
    beside = times["decoding"] + times["resizing"]
    for name, micros in times.items():
        print(f"{name}: {micros:.0f} µs", f"({micros - beside:.0f} beside both)" if name[:2] == "by" else "")


def make_site(folder: Path) -> tuple[Any, ModelService]:
    """Make the front of a site whose network takes no time."""
    from app import create_app
    from app.serving.front import Front
    from app.settings import Settings

    settings = Settings(instance=folder, model=site_model(), rate_limit=RATE, page_rate_limit=RATE)
    app = create_app(settings)
    service = app.extensions["site"].models.service()
    bundle = service.wait()
    logits = np.random.default_rng(0).normal(0, 3, (1, len(bundle.taxonomy))).astype(np.float32)
    service._network = SimpleNamespace(run=lambda _: logits)
    logging.config.dictConfig({**logs.CONFIG, "handlers": {"stderr": nowhere()}})
    return Front(app), service


def nowhere() -> dict[str, Any]:
    """Describe a log that is written, to /dev/null."""
    return {
        "class": "logging.FileHandler",
        "filename": os.devnull,
        "formatter": "json",
        "filters": ["request"],
    }


async def ask(
    front: Any, method: str, path: str, body: bytes = b"", *fields: tuple[bytes, bytes]
) -> tuple[bytes, dict[bytes, bytes]]:
    """Send the front a request as a server does; return the body and the fields of its answer."""
    messages, answers = [{"type": "http.request", "body": body}], []

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.Future()

    async def send(message: Any) -> None:
        answers.append(message)

    kind = {"type": "http", "http_version": "1.1", "scheme": "http", "query_string": b"", "root_path": ""}
    length = (b"content-length", str(len(body)).encode())
    peers = {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000)}
    await front(
        {**kind, **peers, "method": method, "path": path, "headers": [*FORM, length, *fields]}, receive, send
    )
    assert answers[0]["status"] < 400, answers
    return b"".join(answer["body"] for answer in answers[1:]), dict(answers[0]["headers"])


def measure(work: Callable[[], object]) -> float:
    """Return the microseconds of processor time of all threads for one of `EACH` calls."""
    work()
    started = time.process_time()
    for _ in range(EACH):
        work()
    return (time.process_time() - started) / EACH * 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
