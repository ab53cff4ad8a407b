"""Batches of augmented photos as NumPy arrays, for any Keras back end."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.recognition.preprocess import Preprocessing, preprocess
from app.training.augment import augment
from app.training.dataset import Sample, read_photo

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]
PREFETCHED = 4


@dataclass(frozen=True)
class Loader:
    """An endless sequence of training batches in which batch `step` depends on nothing but the seed.

    That makes a run repeatable, and lets a resumed one go on with the very batch it was killed at.
    """

    samples: Sequence[Sample]
    classes: int
    preprocessing: Preprocessing
    batch_size: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Count the full batches of an epoch; the few photos left over change with each."""
        return max(1, len(self.samples) // self.batch_size)

    def batch(self, step: int) -> Batch:
        """Make batch `step`: float32 [n, side, side, 3] and one-hot float32 [n, classes].

        Raises DataError, naming the file, for a photo that cannot be read.
        """
        epoch, place = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.samples))
        chosen = [self.samples[i] for i in order[place * self.batch_size :][: self.batch_size]]
        random = np.random.default_rng((self.seed, epoch, place))
        photos = [augment(read_photo(sample.path), random) for sample in chosen]
        inputs = np.stack([preprocess(photo, self.preprocessing) for photo in photos])
        targets = np.eye(self.classes, dtype=np.float32)[[sample.label for sample in chosen]]
        return inputs, targets

    def batches(self, start: int, stop: int) -> Iterator[Batch]:
        """Yield the batches `start` to `stop` in order, the next ones being made meanwhile."""
        with ThreadPoolExecutor(2) as pool:
            pending: deque[Future[Batch]] = deque()
            for step in range(start, stop):
                pending.append(pool.submit(self.batch, step))
                if len(pending) > PREFETCHED:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
