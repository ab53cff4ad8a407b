"""Concurrent requests share runs of the network."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from app.recognition.batching import MAX_BATCH, Batcher

Array = NDArray[np.float32]


class SlowEngine:
    """Adds up each photo; holds the first run until told to go on, and notes the sizes of its runs."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.running = threading.Event()
        self.go_on = threading.Event()

    def run(self, batch: Array) -> Array:
        self.sizes.append(len(batch))
        self.running.set()
        assert self.go_on.wait(10)
        if np.isnan(batch).any():
            raise RuntimeError("a photo the network cannot stand")
        return batch.sum(axis=(1, 2, 3))[:, None]


def photo(value: float) -> Array:
    return np.full((2, 2, 3), value, np.float32)


def test_everyone_gets_the_answer_to_their_own_photo() -> None:
    engine = SlowEngine()
    engine.go_on.set()
    batcher = Batcher(engine)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda value: batcher.run(photo(value)), range(100)))
    assert [answer.item() for answer in answers] == [value * 12 for value in range(100)]


def test_requests_that_arrive_during_a_run_share_the_next_one() -> None:
    engine = SlowEngine()
    batcher = Batcher(engine)
    with ThreadPoolExecutor(16) as pool:
        first = pool.submit(batcher.run, photo(1))
        assert engine.running.wait(10)
        others = [pool.submit(batcher.run, photo(1)) for _ in range(MAX_BATCH + 2)]
        while batcher.waiting < MAX_BATCH + 2:
            pass
        engine.go_on.set()
        for future in (first, *others):
            future.result(10)
    assert engine.sizes == [1, MAX_BATCH, 2]


def test_a_fault_reaches_those_who_wait_and_the_next_photo_is_answered() -> None:
    engine = SlowEngine()
    engine.go_on.set()
    batcher = Batcher(engine)
    with pytest.raises(RuntimeError):
        batcher.run(photo(np.nan))
    assert batcher.run(photo(1)).item() == 12
