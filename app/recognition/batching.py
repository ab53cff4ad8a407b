"""Concurrent requests share runs of the network."""

import queue
import threading
from concurrent.futures import Future

import numpy as np

from app.recognition.engines import Array, Engine

MAX_BATCH = 8
Waiting = tuple[Array, "Future[Array]"]


class Batcher:
    """One thread that runs the network on whatever waits, so that nobody waits for a batch to fill.

    A lone request runs at once; requests that arrive during a run share the next one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="network", daemon=True).start()

    @property
    def waiting(self) -> int:
        """Count the photos that wait for the next run."""
        return self._waiting.qsize()

    def run(self, photo: Array) -> Array:
        """Turn one preprocessed photo [side, side, 3] into its logits [classes]; safe for threads."""
        future: Future[Array] = Future()
        self._waiting.put((photo, future))
        return future.result()

    def _serve(self) -> None:
        while True:
            batch = self._gather()
            try:
                logits = self._engine.run(np.stack([photo for photo, _ in batch]))
                answers = list(zip(batch, logits, strict=True))
            except Exception as error:  # whatever it is, it belongs to those who wait, not to this thread
                for _, future in batch:
                    future.set_exception(error)
            else:
                for (_, future), row in answers:
                    future.set_result(row)

    def _gather(self) -> list[Waiting]:
        batch = [self._waiting.get()]
        while len(batch) < MAX_BATCH:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch
