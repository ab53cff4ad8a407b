"""Fine-tuning in stages, with checkpoints that a killed run resumes from exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.errors import TrainingError
from app.training.loader import Loader

if TYPE_CHECKING:
    import keras

LABEL_SMOOTHING = 0.1
WEIGHT_DECAY = 0.01
EMA_MOMENTUM = 0.99
WARM_UP_SHARE = 0.1
STEPS_PER_CHECKPOINT = 100
CHECKPOINT = "checkpoint.npz"


@dataclass(frozen=True)
class Stage:
    """Epochs in which the layers behind `frozen_to` are trained; "" trains every layer.

    Unfreezing from the top down (gradual unfreezing, Howard and Ruder 2018, arXiv 1801.06146) lets
    the fresh head settle before the older layers move. `rate` is the peak learning rate.
    """

    frozen_to: str
    epochs: int
    rate: float


RECIPES = {
    "inception_v3": (Stage("mixed8", 2, 1e-3), Stage("mixed2", 4, 2e-4), Stage("", 1, 5e-5)),
}


@dataclass
class Progress:
    """Where a run stands: the stage, the step in it, and the curve of the epochs so far."""

    stage: int
    step: int
    loss_sum: float
    accuracy_sum: float
    epochs: list[dict[str, float]]


Report = Callable[[int, int, float, float], None]
"""Called after each step: steps done and in all, then the mean loss and accuracy of the epoch so far."""


def fit(
    network: keras.Model, loader: Loader, stages: Sequence[Stage], run: Path, resume: bool, report: Report
) -> list[dict[str, float]]:
    """Train `network` in place through all `stages`; return one {stage, loss, accuracy} an epoch.

    Checkpoints go to the folder `run`. Raises TrainingError when `resume` finds none there.
    """
    progress = _restore(network, run) if resume else Progress(0, 0, 0.0, 0.0, [])
    steps_before = sum(stage.epochs for stage in stages[: progress.stage]) * loader.steps_per_epoch
    all_steps = sum(stage.epochs for stage in stages) * loader.steps_per_epoch
    for index in range(progress.stage, len(stages)):
        stage = stages[index]
        total = stage.epochs * loader.steps_per_epoch
        compile_stage(network, stage, total)
        if progress.step:
            _assign(network.optimizer.variables, run, "optimizer")
        for inputs, targets in loader.batches(steps_before + progress.step, steps_before + total):
            logs = network.train_on_batch(inputs, targets, return_dict=True)
            _count(progress, logs, loader.steps_per_epoch)
            averaged = (progress.step - 1) % loader.steps_per_epoch + 1
            loss, accuracy = progress.loss_sum / averaged, progress.accuracy_sum / averaged
            report(steps_before + progress.step, all_steps, loss, accuracy)
            epoch_is_over = progress.step % loader.steps_per_epoch == 0
            if epoch_is_over:
                progress.loss_sum = progress.accuracy_sum = 0.0
            if progress.step < total and (epoch_is_over or progress.step % STEPS_PER_CHECKPOINT == 0):
                _save(network, progress, run)
        network.optimizer.finalize_variable_values(network.trainable_variables)
        steps_before += total
        progress.stage, progress.step = index + 1, 0
        _save(network, progress, run)
    return progress.epochs


def compile_stage(network: keras.Model, stage: Stage, steps: int) -> None:
    """Freeze the layers up to `stage.frozen_to` and give the others a fresh optimiser for `steps` steps.

    Raises TrainingError when the network has no such layer.
    """
    import keras

    names = [layer.name for layer in network.layers]
    if stage.frozen_to and stage.frozen_to not in names:
        raise TrainingError(f"The network has no layer {stage.frozen_to!r}.")
    first_trained = names.index(stage.frozen_to) + 1 if stage.frozen_to else 0
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
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=LABEL_SMOOTHING)
    # XLA on the CPU takes a minute to compile and gains nothing; JAX cannot do without its own.
    jit = False if keras.backend.backend() == "tensorflow" else "auto"
    network.compile(optimizer, loss, metrics=["accuracy"], jit_compile=jit)
    optimizer.build(network.trainable_variables)


def _count(progress: Progress, logs: dict[str, Any], steps_per_epoch: int) -> None:
    progress.step += 1
    progress.loss_sum += float(logs["loss"])
    progress.accuracy_sum += float(logs["accuracy"])
    if progress.step % steps_per_epoch == 0:
        loss, accuracy = progress.loss_sum / steps_per_epoch, progress.accuracy_sum / steps_per_epoch
        progress.epochs.append({"stage": progress.stage, "loss": loss, "accuracy": accuracy})


def _save(network: keras.Model, progress: Progress, run: Path) -> None:
    """Write weights, optimiser state and progress; an old checkpoint stays whole until the new one is."""
    from keras import ops

    run.mkdir(parents=True, exist_ok=True)
    arrays = {f"network_{i}": ops.convert_to_numpy(v) for i, v in enumerate(network.variables)}
    if progress.step:
        state = network.optimizer.variables
        arrays |= {f"optimizer_{i}": ops.convert_to_numpy(v) for i, v in enumerate(state)}
    unfinished = run / "unfinished.npz"
    np.savez(unfinished, progress=np.array(json.dumps(asdict(progress))), **arrays)
    unfinished.replace(run / CHECKPOINT)


def _restore(network: keras.Model, run: Path) -> Progress:
    try:
        with np.load(run / CHECKPOINT) as checkpoint:
            progress = Progress(**json.loads(str(checkpoint["progress"])))
    except FileNotFoundError as error:
        raise TrainingError(f"There is no checkpoint in {run} to resume from.") from error
    _assign(network.variables, run, "network")
    return progress


def _assign(variables: Sequence[keras.Variable], run: Path, name: str) -> None:
    with np.load(run / CHECKPOINT) as checkpoint:
        for i, variable in enumerate(variables):
            variable.assign(checkpoint[f"{name}_{i}"])
