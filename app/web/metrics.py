"""What the site counts and times; Prometheus reads it at /metrics.

After metric_files.share_numbers every process writes its numbers into a folder, and /metrics adds them up.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from flask import Blueprint, Flask, Response, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from app.settings import Settings
from app.web.metric_files import FOLDER

bp = Blueprint("metrics", __name__)
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

registry = CollectorRegistry()
requests = Counter("site_requests", "Answers, by view and status.", ("endpoint", "status"), registry=registry)
predictions = Counter(
    "site_predictions", "Photos, by engine, network and what came of them: ok or the code of an error.",
    ("engine", "model", "outcome"), registry=registry,
)  # fmt: skip
unusable_photos = Counter(
    "site_unusable_photos",
    "Photos that could not be decoded, by code of the error.",
    ("code",),
    registry=registry,
)
decode_seconds = Histogram(
    "site_decode_seconds",
    "Time to decode a photo that a visitor gave, waiting for its turn included.",
    buckets=SECONDS,
    registry=registry,
)
inference_seconds = Histogram(
    "site_inference_seconds", "Time from a decoded photo to its answer, waiting for the network included.",
    ("engine", "model"), buckets=SECONDS, registry=registry,
)  # fmt: skip
queue_length = Gauge(
    "site_queue_length", "Requests that are being classified or wait for it.", registry=registry,
    multiprocess_mode="livesum",
)  # fmt: skip
refused = Counter(
    "site_refused", "Requests refused at once: overloaded, or rate_limit.", ("reason",), registry=registry
)
source_outcomes = Counter(
    "site_source_outcomes", "Photos asked of sources on the web.", ("source", "outcome"), registry=registry
)
degraded = Counter(
    "site_degraded", "Requests that had to do without: sessions, history, corrections or rate_limits.",
    ("dependency",), registry=registry,
)  # fmt: skip


class MetricsUnavailable(Exception):
    """The files in which processes share their numbers are gone."""


def init_app(app: Flask, settings: Settings) -> None:
    app.register_blueprint(bp)
    app.after_request(count_answer)


@bp.get("/metrics")
def show() -> Response:
    """Show all numbers in Prometheus' text format, or those of this process if the shared files are gone."""
    source = registry
    with suppress(MetricsUnavailable):
        check()
        if FOLDER in os.environ:
            source = CollectorRegistry()
            MultiProcessCollector(source)
    return Response(generate_latest(source), content_type=CONTENT_TYPE_LATEST)


def check() -> None:
    """Check that processes can share their numbers. Raises MetricsUnavailable."""
    if FOLDER in os.environ and not any(Path(os.environ[FOLDER]).glob("counter_*.db")):
        raise MetricsUnavailable


def count_answer(response: Response) -> Response:
    """Count a response; addresses that lead nowhere share one label."""
    requests.labels(request.endpoint or "none", response.status_code).inc()
    return response


def count_degraded(dependency: str) -> Callable[[], None]:
    """Return a function that counts a request which had to do without `dependency`."""
    return degraded.labels(dependency).inc


def count_source(source: str, outcome: str) -> None:
    """Count the outcome of asking a source for a photo."""
    source_outcomes.labels(source, outcome).inc()
