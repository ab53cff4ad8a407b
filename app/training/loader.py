"""Batches of augmented photos as NumPy arrays, for any Keras back end."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.data.dataset import PhotoSet
from app.recognition.cores import usable_cores
from app.recognition.preprocess import Preprocessing, preprocess
from app.training.augment import augment
from app.training.teacher import Teacher

Array = NDArray[np.float32]
Batch = tuple[Array, Array]
LABEL_SMOOTHING = 0.1
MIXUP_ALPHA = 0.2
TEACHERS_SHARE = 0.5
AS_THEY_COME, SQUARE_ROOT = 1.0, 0.5  # exponents of sampling, see `weigh`
BATCHES_AHEAD = 2  # besides the one that each thread makes


@dataclass(frozen=True, eq=False)
class Loader:
    """An endless sequence of training batches; batch `step` depends on the seed and `step` alone.

    That makes a run repeatable and lets a resumed one continue with the batch at which it was killed.
    Row i of `soft_labels` [n, classes] is the answer of other networks to photo number i. `exponent` says
    how much a category's size counts; see `weigh`.
    """

    photos: PhotoSet
    classes: int
    preprocessing: Preprocessing
    batch_size: int
    seed: int
    exponent: float = SQUARE_ROOT
    teacher: Teacher | None = None
    soft_labels: NDArray[np.float16] | None = None

    @property
    def steps_per_epoch(self) -> int:
        """The number of full batches in an epoch; the few photos left over differ in each."""
        return max(1, len(self.photos) // self.batch_size)

    def batch(self, step: int) -> Batch:
        """Make batch `step`: float32 [n, side, side, 3] and soft labels float32 [n, classes].

        Mixes pairs of photos (mixup, Zhang et al. 2018, arXiv 1710.09412) and their smoothed labels.
        Soft labels, and a teacher's answers to the same mixed photos, weigh as much as the labels.
        Another photo replaces one that cannot be read. Raises DataError if none can.
        """
        epoch, place = divmod(step, self.steps_per_epoch)
        sampled = self._order(epoch)[place * self.batch_size :][: self.batch_size]
        random = np.random.default_rng((self.seed, epoch, place))
        opened = [self.photos.open_near(row) for row in sampled.tolist()]
        chosen = np.array([row for row, _ in opened])
        photos = [photo for _, photo in opened]
        pictures = [augment(photos[i], photos[i - 1], random) for i in range(len(photos))]
        shares = random.beta(MIXUP_ALPHA, MIXUP_ALPHA, len(chosen)).astype(np.float32)

        def mix(values: Array) -> Array:
            share = shares.reshape(-1, *[1] * (values.ndim - 1))
            return np.asarray(share * values + (1 - share) * values[::-1])

        inputs = mix(_stack(pictures, self.preprocessing))
        hard = np.zeros((len(chosen), self.classes), np.float32)
        hard[np.arange(len(chosen)), self.photos.labels[chosen]] = 1
        targets = mix(hard)
        targets = (1 - LABEL_SMOOTHING) * targets + LABEL_SMOOTHING / self.classes
        answers = []
        if self.soft_labels is not None:
            answers.append(mix(self.soft_labels[self.photos.numbers[chosen]].astype(np.float32)))
        if self.teacher:
            answers.append(self.teacher.answer(lambda how: mix(_stack(pictures, how))))
        if answers:
            targets = (1 - TEACHERS_SHARE) * targets + TEACHERS_SHARE * np.mean(answers, axis=0)
        return inputs, targets

    def batches(self, start: int, stop: int) -> Iterator[Batch]:
        """Yield the batches `start` to `stop` in order, while the next ones are being made."""
        threads = usable_cores()
        with ThreadPoolExecutor(threads) as pool:
            pending: deque[Future[Batch]] = deque()
            for step in range(start, stop):
                self._order(step // self.steps_per_epoch)  # sampled here once, not by every thread
                pending.append(pool.submit(self.batch, step))
                if len(pending) > threads + BATCHES_AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    @cached_property
    def _order(self) -> Callable[[int], NDArray[np.int64]]:
        return lru_cache(maxsize=2)(self._sample_epoch)  # the workers may be on both sides of its end

    def _sample_epoch(self, epoch: int) -> NDArray[np.int64]:
        """Choose the photos of an epoch by systematic sampling: each as often as its weight says, +-1."""
        random = np.random.default_rng((self.seed, epoch))
        ends = np.cumsum(self._weights)
        points = (np.arange(len(ends)) + random.random()) * (ends[-1] / len(ends))
        return random.permutation(np.minimum(np.searchsorted(ends, points, side="right"), len(ends) - 1))

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return weigh(self.photos, self.exponent)


def weigh(photos: PhotoSet, exponent: float) -> NDArray[np.float64]:
    """Return how often to show each photo, relative to others [n].

    A category counts by its size to the power `exponent`, and so does a source within it: 1 keeps the
    proportions as they are, 0 makes all equal, 0.5 lies half way (square-root sampling, Mahajan et al.
    2018, arXiv 1805.00932).
    """
    _, category, sizes = np.unique(photos.labels, return_inverse=True, return_counts=True)
    pairs = photos.labels * (photos.sources.max() + 1) + photos.sources
    _, pair, pair_sizes = np.unique(pairs, return_inverse=True, return_counts=True)
    within = pair_sizes[pair] ** (exponent - 1)
    return np.asarray(sizes[category] ** exponent * within / np.bincount(category, within)[category])


def _stack(pictures: list[Image.Image], how: Preprocessing) -> Array:
    return np.stack([preprocess(picture, how) for picture in pictures])
