"""One training run, from a folder of photos and initial weights to a bundle."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import DataError
from app.recognition.network import ARCHITECTURES, add_head, build_base
from app.recognition.taxonomy import read_taxonomy
from app.training.dataset import read_samples, split_calibration
from app.training.export import write_bundle
from app.training.fit import Report, Stage, fit
from app.training.loader import Loader

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class TrainingOptions:
    """What a run is made of; the same options and seed give the same network."""

    data: Path
    init: str
    architecture: str
    out: Path
    stages: Sequence[Stage]
    side: int = 139
    served_side: int = 171
    batch_size: int = 64
    seed: int = 1

    @property
    def run(self) -> Path:
        """The folder of the run's checkpoints."""
        return Path("training-runs") / self.out.name


def train(options: TrainingOptions, resume: bool, report: Report) -> Path:
    """Fine-tune, calibrate and quantise a network; return the folder of its bundle.

    Raises DataError for data, weights or options that do not fit.
    """
    import keras

    if options.run.exists() and not resume:
        raise DataError(f"{options.run} holds an unfinished run: add --resume to go on, or delete it.")
    taxonomy = read_taxonomy(options.data / "taxonomy.csv")
    trained, held_out = split_calibration(read_samples(options.data, "train", taxonomy))
    keras.utils.set_random_seed(options.seed)
    network = add_head(_initial_base(options.architecture, options.init), len(taxonomy))
    loader = Loader(
        trained,
        len(taxonomy),
        ARCHITECTURES[options.architecture].preprocessing(options.side),
        options.batch_size,
        options.seed,
    )
    curve = fit(network, loader, options.stages, options.run, resume, report)
    served = ARCHITECTURES[options.architecture].preprocessing(options.served_side)
    facts = {
        "architecture": options.architecture,
        "training": {
            "data": f"{len(trained)} photos trained on, {len(held_out)} held out for calibration",
            "side": options.side,
            "batch_size": options.batch_size,
            "seed": options.seed,
            "stages": [asdict(stage) for stage in options.stages],
            "curve": curve,
        },
    }
    write_bundle(network, options.out, taxonomy, served, trained, held_out or trained, facts)
    shutil.rmtree(options.run)
    return options.out


def _initial_base(architecture: str, init: str) -> keras.Model:
    """Build the network without its head and load `init`: a weights file, "imagenet" or "random"."""
    import keras

    if init == "imagenet":
        build = getattr(keras.applications, ARCHITECTURES[architecture].application)
        return build(weights="imagenet", include_top=False, pooling="avg", input_shape=(None, None, 3))
    base = build_base(architecture)
    if init != "random":
        if not Path(init).is_file():
            raise DataError(f"{init} is no weights file; give a file, imagenet or random.")
        base.load_weights(init)
    return base
