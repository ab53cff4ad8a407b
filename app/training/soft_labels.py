"""Soft labels: for each training photo, the answer of networks that never saw it.

Out-of-fold answers show which categories look alike and which labels are doubtful; a network that was trained
on a photo only repeats its label.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from app.data.dataset import PhotoSet
from app.errors import TrainingError
from app.recognition.cores import usable_cores
from app.recognition.prediction import calibrate
from app.recognition.preprocess import Preprocessing, preprocess
from app.recognition.taxonomy import Taxonomy
from app.training.calibration import fit_temperature

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]
FOLDS = 5
READ_AT_ONCE = 256  # photos in memory
EPOCHS, BATCH_SIZE, RATE = 12, 256, 1e-3
WEIGHT_DECAY, DROPOUT, LABEL_SMOOTHING = 0.3, 0.3, 0.1


@dataclass(frozen=True)
class FrozenNetwork:
    """A network trained on other photos: an OpenVINO file of [n, side, side, 3] -> features [n, d]."""

    path: Path
    preprocessing: Preprocessing


def write_soft_labels(
    path: Path, photos: PhotoSet, held_out: PhotoSet, taxonomy: Taxonomy, networks: Sequence[FrozenNetwork]
) -> float:
    """Answer all `photos` by the mean of linear heads on frozen `networks`; return the share of right ones.

    No head learns from `held_out` or from the photos it answers. Raises TrainingError for an unusable
    network or a `path` whose folder is missing, and DataError for a photo that cannot be read.
    """
    if not path.parent.is_dir():
        raise TrainingError(f"{path.parent} is not a folder.")
    learnt = ~np.isin(photos.numbers, held_out.numbers)
    answers = [cross_fit(pooled_features(network, photos), photos.labels, learnt) for network in networks]
    mean = np.mean(answers, axis=0)
    made_for = f"{taxonomy.version} {photos.digest()}"
    with path.open("wb") as file:  # given a name, NumPy would append .npz
        np.savez(file, answers=mean.astype(np.float16), made_for=np.array(made_for))
    return float((mean.argmax(axis=1) == photos.labels).mean())


def read_soft_labels(path: Path, photos: PhotoSet, taxonomy: Taxonomy) -> NDArray[np.float16]:
    """Read probabilities float16 [photos, classes] for the training photos of a folder, in their order.

    Raises TrainingError for a file that cannot be read or was made for other photos or categories.
    """
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            answers, made_for = arrays["answers"], str(arrays["made_for"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise TrainingError(f"{path} holds no soft labels.") from error
    if made_for != f"{taxonomy.version} {photos.digest()}":
        raise TrainingError(f"{path} was made for other photos or other categories.")
    return np.asarray(answers, np.float16)


def pooled_features(network: FrozenNetwork, photos: PhotoSet) -> Array:
    """Run a frozen network over photos: float32 [n, d], the square root of each feature, standardised.

    The square root dampens the few features that an object excites strongly (Hellinger kernel, Arandjelovic
    & Zisserman 2012). Raises TrainingError for a file that is not such a network.
    """
    import openvino

    try:
        compiled = openvino.Core().compile_model(network.path, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    except RuntimeError as error:
        raise TrainingError(f"{network.path} is no network that OpenVINO can run.") from error
    rows: list[Array] = [np.empty(0, np.float32)] * len(photos)

    def store(request: openvino.InferRequest, row: int) -> None:
        rows[row] = request.get_output_tensor(0).data[0].astype(np.float32)

    queue = openvino.AsyncInferQueue(compiled)
    queue.set_callback(store)
    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(photos), READ_AT_ONCE):
            chunk = range(start, min(start + READ_AT_ONCE, len(photos)))
            inputs = pool.map(lambda row: preprocess(photos.open(row), network.preprocessing), chunk)
            for row, photo in zip(chunk, inputs, strict=True):
                queue.start_async([photo[None]], row)
    queue.wait_all()
    features = np.stack(rows)
    if features.ndim != 2:
        raise TrainingError(f"{network.path} does not give one row of features a photo.")
    features = np.sqrt(np.maximum(features, 0))
    return np.asarray((features - features.mean(axis=0)) / (features.std(axis=0) + 1e-3), np.float32)


def cross_fit(features: Array, labels: NDArray[np.int64], learnt: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Answer each photo by a linear head trained on the other folds: calibrated [n, classes].

    `features` [n, d], `labels` [n]; heads learn only from photos marked in `learnt` [n].
    """
    fold = np.random.default_rng(FOLDS).integers(0, FOLDS, len(labels))
    logits = np.zeros((len(labels), int(labels.max()) + 1), np.float32)
    for number in range(FOLDS):
        taught, asked = learnt & (fold != number), fold == number
        head = _fit_head(features[taught], np.eye(logits.shape[1])[labels[taught]])
        logits[asked] = head.predict(features[asked], batch_size=BATCH_SIZE, verbose=0)
    return calibrate(logits, fit_temperature(logits, labels))


def _fit_head(features: Array, targets: NDArray[np.float64]) -> keras.Model:
    import keras

    keras.utils.set_random_seed(FOLDS)
    head = keras.Sequential(
        [
            keras.Input(features.shape[1:]),
            keras.layers.Dropout(DROPOUT),
            keras.layers.Dense(targets.shape[1], kernel_initializer="zeros"),
        ]
    )
    steps = EPOCHS * -(-len(features) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=LABEL_SMOOTHING)
    head.compile(keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY), loss)
    head.fit(features, targets, BATCH_SIZE, EPOCHS, verbose=0)
    return head
