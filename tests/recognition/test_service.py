"""The model service: one network a process, honest about its state."""

import os
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from app.errors import BundleError, ModelFault, ModelNotReady
from app.recognition import service as services
from app.recognition.bundle import SERVING_WEIGHTS
from app.recognition.engines import OpenVinoEngine
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, ROOT

SHIPPED = ROOT / "weights" / DEFAULT_MODEL


@pytest.fixture
def photo() -> Image.Image:
    return Image.fromarray(data.coffee())


def test_the_same_photo_gets_the_same_answer_alone_and_in_a_crowd(
    service: ModelService, photo: Image.Image
) -> None:
    alone = service.predict(photo)
    with ThreadPoolExecutor(8) as pool:
        crowd = list(pool.map(service.predict, [photo] * 24))
    for answer in crowd:
        assert [guess.category for guess in answer.guesses] == [guess.category for guess in alone.guesses]
        np.testing.assert_allclose(
            [guess.probability for guess in answer.guesses],
            [guess.probability for guess in alone.guesses],
            atol=1e-4,
        )


def test_nothing_starts_before_it_is_asked_for() -> None:
    before = threading.active_count()
    ModelService(SHIPPED)
    assert threading.active_count() == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives threads a priority of their own")
def test_the_network_steps_back_behind_the_other_threads(photo: Image.Image, small_weights: Path) -> None:
    before = threading.enumerate()
    service = ModelService(small_weights / DEFAULT_MODEL)
    service.wait()
    service.predict(photo)
    started = [each for each in threading.enumerate() if each not in before]
    networks = [each for each in started if each.name.startswith("network")]
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert all(os.getpriority(os.PRIO_PROCESS, thread.native_id or 0) > own for thread in networks)
    assert networks


def test_who_requires_a_network_waits_no_longer_than_patience_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    may_load = threading.Event()

    def load(*_: object) -> None:
        may_load.wait()
        raise BundleError

    monkeypatch.setattr(services, "load_bundle", load)
    monkeypatch.setattr(services, "PATIENCE_SECONDS", 0.0)
    service = ModelService(SHIPPED)
    with pytest.raises(ModelNotReady, match="still being loaded"):
        service.require_ready()
    may_load.set()
    with pytest.raises(ModelNotReady, match="could not be loaded"):
        service.wait()


def test_a_damaged_bundle_makes_a_clear_state_instead_of_a_crash(tmp_path: Path, photo: Image.Image) -> None:
    copy = shutil.copytree(SHIPPED, tmp_path / "copy")
    (copy / SERVING_WEIGHTS).write_bytes(b"")
    service = ModelService(copy)
    with suppress(ModelNotReady):
        service.wait()
    with pytest.raises(ModelNotReady, match=SERVING_WEIGHTS):
        service.predict(photo)
    assert service.state()["status"] == "failed"


def test_a_network_that_answers_nonsense_is_a_fault_and_not_an_answer(
    photo: Image.Image, small_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ModelService(small_weights / DEFAULT_MODEL)
    service.wait()
    monkeypatch.setattr(
        OpenVinoEngine,
        "run",
        lambda _, batch: np.full((len(batch), len(service.require_ready().taxonomy)), np.nan),
    )
    with pytest.raises(ModelFault):
        service.predict(photo)
