"""The networks of a process."""

import threading

import pytest

from app.errors import UnknownModel
from app.recognition.models import Models
from app.settings import DEFAULT_MODEL, ROOT


@pytest.fixture
def models() -> Models:
    return Models(ROOT / "weights", DEFAULT_MODEL)


def test_each_network_has_one_service(models: Models) -> None:
    assert models.service() is models.service(DEFAULT_MODEL)


def test_nothing_starts_before_it_is_asked_for(models: Models) -> None:
    before = threading.active_count()
    models.service()
    assert threading.active_count() == before


@pytest.mark.parametrize("model", ["none", "../weights/inception-v3", ".", "README.md"])
def test_only_a_network_that_is_offered_is_opened(models: Models, model: str) -> None:
    with pytest.raises(UnknownModel, match=DEFAULT_MODEL):
        models.service(model)
