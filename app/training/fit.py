"""Fine-tuning in stages, with checkpoints from which a killed run resumes exactly."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from app.errors import TrainingError
from app.training.devices import count_replicas, share_out
from app.training.loader import Loader

if TYPE_CHECKING:
    import keras

WEIGHT_DECAY = 0.05
EMA_MOMENTUM = 0.99
WARM_UP_SHARE = 0.1
SECONDS_PER_CHECKPOINT = 300.0
CHECKPOINT = "checkpoint.npz"


@dataclass(frozen=True)
class Stage:
    """Epochs of training the layers behind `frozen_to` ("": every layer) on photos of `side` px.

    A new head settles before the older layers move. That preserves their features, which matters most on
    photos unlike those trained on (Kumar et al. 2022, arXiv 2202.10054). Starting with small photos saves
    time (progressive resizing, Howard 2018). `rate` is the peak learning rate.
    """

    frozen_to: str
    epochs: int
    rate: float
    side: int


RECIPES = {  # of the first network in each shipped mean
    "inception_v3": (
        Stage("global_average_pooling2d", 1, 5e-3, 139),
        Stage("", 6, 2e-4, 139),
        Stage("", 3, 7e-5, 171),
    ),
    "efficientnetv2_b0": (
        Stage("avg_pool", 2, 5e-3, 160),
        Stage("", 4, 5e-4, 128),
        Stage("", 4, 2e-4, 160),
        Stage("", 2, 5e-5, 192),
    ),
}


@dataclass
class Progress:
    """The state of a run: stage, step in it, curve of the epochs so far, precision and devices."""

    trained_in: str
    stage: int = 0
    step: int = 0
    loss_sum: float = 0.0
    accuracy_sum: float = 0.0
    epochs: list[dict[str, float]] = field(default_factory=list)


OnStep = Callable[[int, int, float, float], None]
"""Called after each step: steps done and in total, then the mean loss and accuracy of the epoch so far."""


def fit(
    network: keras.Model, loader: Loader, stages: Sequence[Stage], run: Path, resume: bool, on_step: OnStep
) -> list[dict[str, float]]:
    """Train `network` in place through all `stages`; return one {stage, loss, accuracy} for each epoch.

    Checkpoints go to the folder `run`. Raises TrainingError if `resume` finds none there that fits, if the
    network lacks a layer of a stage, or if a batch cannot be split evenly among the GPUs.
    """
    for stage in stages:
        _first_trained(network, stage)  # a typing error in the last must show before days of the first
    if loader.batch_size % (replicas := count_replicas(network)):
        raise TrainingError(
            f"A batch of {loader.batch_size} cannot be shared out evenly among {replicas} GPUs."
        )
    begun = Progress(_describe(network))
    progress = _restore(network, run) if resume else begun
    if progress.stage < len(stages) and progress.trained_in != begun.trained_in:
        raise TrainingError(
            f"The run in {run} was begun in {progress.trained_in}. In {begun.trained_in}, as it would go on "
            "here, it would come to another network."
        )
    steps_before = sum(stage.epochs for stage in stages[: progress.stage]) * loader.steps_per_epoch
    all_steps = sum(stage.epochs for stage in stages) * loader.steps_per_epoch
    saved = time.monotonic()
    for index in range(progress.stage, len(stages)):
        stage = stages[index]
        total = stage.epochs * loader.steps_per_epoch
        compile_stage(network, stage, total)
        if progress.step:
            _assign(network.optimizer.variables, run, "optimizer")
        sized = replace(loader, preprocessing=replace(loader.preprocessing, side=stage.side))
        for batch in sized.batches(steps_before + progress.step, steps_before + total):
            logs = network.train_on_batch(*share_out(batch, network), return_dict=True)
            _count(progress, logs, loader.steps_per_epoch)
            averaged = (progress.step - 1) % loader.steps_per_epoch + 1
            loss, accuracy = progress.loss_sum / averaged, progress.accuracy_sum / averaged
            on_step(steps_before + progress.step, all_steps, loss, accuracy)
            epoch_is_over = progress.step % loader.steps_per_epoch == 0
            if epoch_is_over:
                progress.loss_sum = progress.accuracy_sum = 0.0
            due = epoch_is_over or time.monotonic() - saved >= SECONDS_PER_CHECKPOINT
            if progress.step < total and due:
                _save(network, progress, run)
                saved = time.monotonic()
        network.optimizer.finalize_variable_values(network.trainable_variables)
        steps_before += total
        progress.stage, progress.step = index + 1, 0
        _save(network, progress, run)
    return progress.epochs


def _describe(network: keras.Model) -> str:
    """Describe what the steps of a run depend on besides its options."""
    import keras

    replicas = count_replicas(network)
    return f"{keras.config.dtype_policy().name} on {replicas} device{'s' * (replicas > 1)}"


def _first_trained(network: keras.Model, stage: Stage) -> int:
    """Return the index of the first layer that a stage trains. Raises TrainingError for an unknown layer."""
    names = [layer.name for layer in network.layers]
    if stage.frozen_to and stage.frozen_to not in names:
        raise TrainingError(f"The network has no layer {stage.frozen_to!r}.")
    return names.index(stage.frozen_to) + 1 if stage.frozen_to else 0


def compile_stage(network: keras.Model, stage: Stage, steps: int) -> None:
    """Freeze the layers up to `stage.frozen_to` and give the others a new optimiser for `steps` steps.

    Raises TrainingError if the network has no such layer.
    """
    import keras

    first_trained = _first_trained(network, stage)
    for position, layer in enumerate(network.layers):
        layer.trainable = position >= first_trained
    warm_up = round(steps * WARM_UP_SHARE)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, warmup_target=stage.rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=WEIGHT_DECAY, use_ema=True, ema_momentum=EMA_MOMENTUM
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    # XLA on the CPU takes a minute to compile and gains nothing; JAX cannot do without it.
    jit = False if keras.backend.backend() == "tensorflow" else "auto"
    network.compile(optimizer, loss, metrics=["accuracy"], jit_compile=jit)
    network.optimizer.build(network.trainable_variables)  # Keras may have wrapped it to scale the loss
    if count_replicas(network) > 1:
        # Keras makes its metrics from a first batch, which must not be split.
        nothing = np.zeros((1, stage.side, stage.side, 3), np.float32)
        network.test_on_batch(nothing, np.zeros((1, network.output_shape[-1]), np.float32))


def _count(progress: Progress, logs: dict[str, Any], steps_per_epoch: int) -> None:
    progress.step += 1
    progress.loss_sum += float(logs["loss"])
    progress.accuracy_sum += float(logs["accuracy"])
    if progress.step % steps_per_epoch == 0:
        loss, accuracy = progress.loss_sum / steps_per_epoch, progress.accuracy_sum / steps_per_epoch
        progress.epochs.append({"stage": progress.stage, "loss": loss, "accuracy": accuracy})


def _save(network: keras.Model, progress: Progress, run: Path) -> None:
    """Write weights, optimiser state and progress; the old checkpoint stays until the new one is complete.

    Raises TrainingError for weights that are infinite or NaN.
    """
    from keras import ops

    run.mkdir(parents=True, exist_ok=True)
    arrays = {f"network_{i}": ops.convert_to_numpy(v) for i, v in enumerate(network.variables)}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise TrainingError(
            f"The weights have grown out of all bounds in stage {progress.stage + 1}: "
            "begin anew with a lower rate."
        )
    if progress.step:
        state = network.optimizer.variables
        arrays |= {f"optimizer_{i}": ops.convert_to_numpy(v) for i, v in enumerate(state)}
    unfinished = run / "unfinished.npz"
    np.savez(unfinished, progress=np.array(json.dumps(asdict(progress))), **arrays)
    unfinished.replace(run / CHECKPOINT)


def _restore(network: keras.Model, run: Path) -> Progress:
    with _checkpoint(run) as arrays:
        progress = Progress(**json.loads(str(arrays["progress"])))
    _assign(network.variables, run, "network")
    return progress


def _assign(variables: Sequence[keras.Variable], run: Path, name: str) -> None:
    with _checkpoint(run) as arrays:
        for i, variable in enumerate(variables):
            variable.assign(arrays[f"{name}_{i}"])


@contextmanager
def _checkpoint(run: Path) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Open the checkpoint. Raises TrainingError if it is missing, damaged or of another shape."""
    try:
        with (run / CHECKPOINT).open("rb") as file, np.load(file) as arrays:
            yield arrays
    except FileNotFoundError as error:
        raise TrainingError(f"There is no checkpoint in {run} to resume from.") from error
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise TrainingError(
            f"{run / CHECKPOINT} is damaged, or of a run in another precision, and cannot be resumed from."
        ) from error
