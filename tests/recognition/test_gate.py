"""A request waits its turn where it would keep Python busy, and nowhere else."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from helpers import WAIT_SECONDS, wait_until
from PIL import Image
from werkzeug.formparser import MultiPartParser

from app.errors import Overloaded
from app.recognition import photos
from app.recognition import service as services
from app.recognition.engines import OpenVinoEngine
from app.recognition.gate import MOST_TURNS, Gate
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL


class WatchedTurn:
    """A turn that tells whether somebody has it."""

    is_taken = False

    def __enter__(self) -> None:
        self.is_taken = True

    def __exit__(self, *_: object) -> None:
        self.is_taken = False


@pytest.fixture
def turn() -> WatchedTurn:
    return WatchedTurn()


@pytest.fixture
def watch(turn: WatchedTurn, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[bool]]:
    """Give what notes at each call of a function whether the turn is taken."""

    def watch(owner: Any, name: str) -> list[bool]:
        seen: list[bool] = []
        real = getattr(owner, name)

        def noted(*args: Any, **options: Any) -> Any:
            seen.append(turn.is_taken)
            return real(*args, **options)

        monkeypatch.setattr(owner, name, noted)
        return seen

    return watch


@pytest.mark.parametrize(("cores", "turns"), [(1, 1), (2, 1), (3, 1), (4, 2), (64, MOST_TURNS)])
def test_every_two_cores_have_a_turn(cores: int, turns: int) -> None:
    gate = Gate(cores)
    inside = threading.Semaphore(0)
    with ThreadPoolExecutor(4) as pool:
        with ExitStack() as held:
            for _ in range(turns):
                held.enter_context(gate)
            pool.submit(pass_through, gate, inside.release)
            wait_until(lambda: waiting(gate) == 1)
            assert not inside.acquire(blocking=False)
        assert inside.acquire(timeout=WAIT_SECONDS)


def test_turns_are_taken_in_the_order_of_asking() -> None:
    gate = Gate(1)
    order: list[int] = []
    with ThreadPoolExecutor(4) as pool, gate:
        for number in range(4):
            pool.submit(pass_through, gate, partial(order.append, number))
            wait_until(lambda asked=number + 1: waiting(gate) == asked)
    assert order == [0, 1, 2, 3]


def test_a_turn_is_free_again_after_a_fault() -> None:
    gate = Gate(1)
    with suppress(ZeroDivisionError), gate:
        _ = 1 / 0
    with gate:
        assert gate._turns == 0
    assert gate._turns == 1


def test_a_full_gate_lets_nobody_in_until_somebody_leaves() -> None:
    gate = Gate(1, places=2)
    gate.enter()
    assert not gate.is_full
    gate.enter()
    assert gate.is_full
    with pytest.raises(Overloaded):
        gate.enter()
    gate.leave()
    gate.enter()


def test_the_last_places_are_for_visitors_who_hold_less_than_their_share() -> None:
    gate = Gate(1, places=16)  # a share of four, and two in reserve
    with suppress(Overloaded):
        while True:
            gate.enter("greedy")
    assert gate._places == 2
    gate.enter("other")
    with pytest.raises(Overloaded):
        gate.enter("greedy")
    gate.enter("other")
    assert gate.is_full


def test_a_visitor_who_has_left_may_come_again() -> None:
    gate = Gate(1, places=16)
    for _ in range(40):
        gate.enter("regular")
        gate.leave()
    assert not gate._held


def test_nobody_in_particular_may_have_every_place() -> None:
    gate = Gate(1, places=16)
    for _ in range(16):
        gate.enter()
    assert gate.is_full


def test_visitors_take_turns_however_many_photos_one_of_them_has() -> None:
    gate = Gate(1)
    order: list[str] = []

    def come(visitor: str) -> None:
        gate.enter(visitor)
        with gate:
            order.append(visitor)

    with ThreadPoolExecutor(8) as pool, gate:
        for number, visitor in enumerate(["greedy"] * 4 + ["other"], start=1):
            pool.submit(come, visitor)
            wait_until(lambda asked=number: waiting(gate) == asked)
    assert order == ["greedy", "other", "greedy", "greedy", "greedy"]


@pytest.mark.parametrize(("owner", "name"), [(MultiPartParser, "parse"), (photos, "_decode_jpeg")])
def test_an_upload_is_read_and_decoded_in_its_turn(
    app: Flask,
    turn: WatchedTurn,
    watch: Callable[[Any, str], list[bool]],
    monkeypatch: pytest.MonkeyPatch,
    coffee: bytes,
    owner: Any,
    name: str,
) -> None:
    monkeypatch.setattr(Gate, "__enter__", lambda _: turn.__enter__())
    monkeypatch.setattr(Gate, "__exit__", lambda _, *fault: turn.__exit__(*fault))
    seen = watch(owner, name)
    data = {"image": (io.BytesIO(coffee), "a.jpg")}
    assert app.test_client().post("/api/v1/predictions", data=data).status_code == 200
    assert seen == [True]


@pytest.mark.parametrize("ask", [ModelService.predict, ModelService.explain])
def test_a_photo_is_resized_in_its_turn(
    turn: WatchedTurn,
    watch: Callable[[Any, str], list[bool]],
    small_weights: Path,
    ask: Callable[[ModelService, Image.Image], object],
) -> None:
    seen = watch(services, "preprocess")
    service = ModelService(small_weights / DEFAULT_MODEL, gate=turn)
    service.wait()
    ask(service, Image.new("RGB", (300, 200)))
    assert seen == [True]


@pytest.mark.parametrize(("ask", "name"), [(ModelService.predict, "run"), (ModelService.explain, "look")])
def test_the_network_needs_no_turn(
    turn: WatchedTurn,
    watch: Callable[[Any, str], list[bool]],
    small_weights: Path,
    ask: Callable[[ModelService, Image.Image], object],
    name: str,
) -> None:
    seen = watch(OpenVinoEngine, name)
    service = ModelService(small_weights / DEFAULT_MODEL, gate=turn)
    service.wait()
    ask(service, Image.new("RGB", (300, 200)))
    assert seen == [False]


def test_the_site_gives_its_networks_the_turn(app: Flask) -> None:
    models = app.extensions["site"].models
    other = next(name for name in models.names if name not in models.loaded)
    assert models.service(other)._gate is app.extensions["site"].gate


def pass_through(gate: Gate, act: Callable[[], object]) -> None:
    with gate:
        act()


def waiting(gate: Gate) -> int:
    return sum(map(len, gate._waiting.values()))
