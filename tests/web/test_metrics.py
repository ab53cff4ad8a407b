"""What /metrics tells."""

import io

import numpy as np
import pytest
from flask.testing import FlaskClient
from helpers import counted
from werkzeug.test import TestResponse

from app.recognition.engines import OpenVinoEngine
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, ROOT
from app.web import metrics

API = "/api/v1/predictions"


def ask(client: FlaskClient, photo: bytes) -> TestResponse:
    return client.post(API, data={"image": (io.BytesIO(photo), "a.jpg")})


def predictions(outcome: str) -> float:
    return counted("site_predictions_total", engine="openvino", model=DEFAULT_MODEL, outcome=outcome)


def test_the_numbers_come_in_the_format_of_prometheus(client: FlaskClient) -> None:
    client.get("/livez")
    answer = client.get("/metrics")
    assert answer.content_type.startswith("text/plain; version=")
    assert 'site_requests_total{endpoint="health.livez",status="200"}' in answer.get_data(as_text=True)


@pytest.mark.parametrize(("path", "endpoint", "status"), [
    ("/livez", "health.livez", "200"),
    ("/no/such/page", "none", "404"),
    ("/source/no/such/file", "source.file", "404"),
])  # fmt: skip
def test_each_answer_is_counted_by_view_and_status(
    client: FlaskClient, path: str, endpoint: str, status: str
) -> None:
    before = counted("site_requests_total", endpoint=endpoint, status=status)
    client.get(path)
    assert counted("site_requests_total", endpoint=endpoint, status=status) == before + 1


def test_a_prediction_is_counted_and_timed(client: FlaskClient, coffee: bytes) -> None:
    labels = {"engine": "openvino", "model": DEFAULT_MODEL}
    before = predictions("ok")
    decoded = counted("site_decode_seconds_count")
    inferred = counted("site_inference_seconds_count", **labels)
    assert ask(client, coffee).status_code == 200
    assert predictions("ok") == before + 1
    assert counted("site_decode_seconds_count") == decoded + 1
    assert counted("site_inference_seconds_count", **labels) == inferred + 1


def test_an_unreadable_photo_is_counted_by_its_code(client: FlaskClient) -> None:
    before = counted("site_unusable_photos_total", code="unsupported_format")
    assert ask(client, b"not a photo").status_code == 415
    assert counted("site_unusable_photos_total", code="unsupported_format") == before + 1


def test_nonsense_of_the_network_is_a_model_error_that_is_counted(
    client: FlaskClient, service: ModelService, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    nonsense = np.full((1, len(service.require_ready().taxonomy)), np.nan, np.float32)
    monkeypatch.setattr(OpenVinoEngine, "run", lambda *_: nonsense)
    before = predictions("model_error")
    answer = ask(client, coffee)
    assert answer.status_code == 503
    assert answer.get_json()["error"]["code"] == "model_error"
    assert int(answer.headers["Retry-After"]) > 0
    assert predictions("model_error") == before + 1


def test_what_came_of_asking_a_source_is_counted() -> None:
    before = counted("site_source_outcomes_total", source="folder", outcome="timeout")
    metrics.count_source("folder", "timeout")
    assert counted("site_source_outcomes_total", source="folder", outcome="timeout") == before + 1


def test_the_library_knows_nothing_of_metrics() -> None:
    for path in (ROOT / "app" / "recognition").glob("*.py"):
        assert "metrics import" not in path.read_text()
        assert "prometheus" not in path.read_text()
