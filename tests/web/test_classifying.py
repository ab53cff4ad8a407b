"""Every photo that is decoded goes through the gate, and its time counts from before its turn."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import counted, csrf_token

from app.recognition.gate import Gate
from app.sources.folder import Folder
from app.sources.pool import Pool
from app.sources.random_photos import RandomPhotos
from app.web import metrics
from app.web.classifying import decode

DECODED = "site_decode_seconds_count"


@pytest.fixture
def location(client: FlaskClient, coffee: bytes) -> str:
    """Classify a photo, and give the address of its answer."""
    form = {"csrf_token": csrf_token(client), "image": (io.BytesIO(coffee), "a.jpg")}
    return str(client.post("/classify/", data=form).location)


def test_the_time_to_decode_includes_the_wait_for_a_turn(
    app: Flask, coffee: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = []

    @contextmanager
    def timer() -> Iterator[None]:
        events.append("timer on")
        yield
        events.append("timer off")

    monkeypatch.setattr(metrics, "decode_seconds", SimpleNamespace(time=timer))
    monkeypatch.setattr(Gate, "__enter__", lambda _: events.append("in turn"))
    monkeypatch.setattr(Gate, "__exit__", lambda *_: events.append("out of turn"))
    with app.test_request_context():
        decode(coffee)
    assert events == ["timer on", "in turn", "out of turn", "timer off"]


def test_a_random_photo_is_decoded_in_its_turn_and_timed(
    app: Flask, client: FlaskClient, coffee: bytes, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(coffee)
    app.extensions["site"].random_photos = RandomPhotos([Pool(Folder(tmp_path), None, decode)])
    before = counted(DECODED)
    answer = client.post("/classify/random", data={"csrf_token": csrf_token(client)})
    assert answer.status_code == 303
    assert counted(DECODED) == before + 1


def test_the_factory_has_random_photos_decoded_so(app: Flask) -> None:
    [pool] = app.extensions["site"].random_photos._pools
    assert pool._decode is decode


def test_a_heatmap_is_decoded_in_its_turn_and_timed(client: FlaskClient, location: str) -> None:
    before = counted(DECODED)
    assert client.get(f"{location}/heatmaps").status_code == 200
    assert counted(DECODED) == before + 1
