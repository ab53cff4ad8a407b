"""One training run, from a folder of photos and initial weights to a bundle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.data.bson import open_index
from app.data.cdiscount import EVERYTHING, Sampling, choose_classes
from app.data.dataset import (
    check_complete,
    check_readable,
    drop_copies,
    find_category_names,
    has_val,
    read_photos,
    sample,
    split_calibration,
)
from app.errors import TrainingError
from app.recognition.bundle import load_bundle
from app.recognition.network import ARCHITECTURES, build_network
from app.recognition.taxonomy import Taxonomy, read_leaves, read_taxonomy
from app.training.claim import claim
from app.training.devices import count_replicas, on_every_gpu
from app.training.export import check_out, write_bundle
from app.training.fit import CHECKPOINT, OnStep, Stage, fit
from app.training.folding import fold_batch_norm, unfold_batch_norm
from app.training.initial import build_initial
from app.training.loader import AS_THEY_COME, SQUARE_ROOT, Loader
from app.training.soft_labels import read_soft_labels
from app.training.teacher import Teacher

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The options of a run; the same options and seed give the same network.

    `data` is a folder tree or a BSON file; `categories` and `sampling` are for a BSON file only. Photos of
    the sources `hold_out` calibrate and are not trained on.
    """

    data: Path
    init: str
    architecture: str
    out: Path
    stages: Sequence[Stage]
    served_side: int
    teachers: Sequence[Path] = ()
    soft_labels: Path | None = None
    hold_out: Sequence[str] = ()
    batch_size: int = 64
    seed: int = 1
    categories: Path | None = None
    sampling: Sampling = EVERYTHING

    @property
    def run(self) -> Path:
        """The folder of the run's checkpoints, beside the bundle it will become."""
        return self.out.with_name(f"{self.out.name}.run")


def train(options: TrainingOptions, resume: bool, on_step: OnStep) -> Path:
    """Fine-tune, calibrate and quantise a network; return the folder of its bundle.

    `on_step` is as in `fit`. Raises DataError for data without the documented shape or a run that another
    process holds, and TrainingError for options, weights or a run to resume that do not fit.
    """
    check_out(options.out)
    taxonomy = _read_classes(options)
    photos = read_photos(options.data, "train", taxonomy, options.categories)
    check_complete(photos, taxonomy)
    with _claim_run(options, photos.digest(), resume):
        check_val(options.data, taxonomy, options.categories)
        trained, held_out = split_calibration(photos, options.hold_out)
        if options.sampling.per_category:
            trained = sample(trained, options.sampling.per_category, options.seed)
        check_readable(trained, taxonomy)
        if options.data.is_file():
            held_out = drop_copies(held_out, trained, open_index(options.data))
        teachers = [load_bundle(path) for path in options.teachers]
        teacher = Teacher(teachers, taxonomy) if teachers else None
        served = ARCHITECTURES[options.architecture].preprocessing(options.served_side)
        soft = read_soft_labels(options.soft_labels, photos, taxonomy) if options.soft_labels else None
        del photos  # with millions of photos, the arrays are large
        loader = Loader(
            photos=trained,
            classes=len(taxonomy),
            preprocessing=served,
            batch_size=options.batch_size,
            seed=options.seed,
            exponent=AS_THEY_COME if options.data.is_file() else SQUARE_ROOT,
            teacher=teacher,
            soft_labels=soft,
        )
        network, learnt = _fit(options, taxonomy, loader, resume, on_step)
        facts = {
            "architecture": options.architecture,
            "training": {
                "init": Path(options.init).name,
                "data": f"{len(trained)} photos trained on, {len(held_out)} held out for calibration",
                "sources": sorted(trained.source_names()),
                **_facts_of_file(options),
                "held_out_sources": options.hold_out,
                "teachers": [path.name for path in options.teachers],
                "soft_labels": options.soft_labels is not None,
                "batch_size": options.batch_size,
                "seed": options.seed,
                "stages": [asdict(stage) for stage in options.stages],
                **learnt,
            },
        }
        unfinished = options.run / options.out.name
        write_bundle(
            network, unfinished, taxonomy, served, trained=trained, calibration=held_out, manifest=facts
        )
        shutil.rmtree(options.out, ignore_errors=True)
        unfinished.rename(options.out)
        shutil.rmtree(options.run)
    return options.out


def _fit(
    options: TrainingOptions, taxonomy: Taxonomy, loader: Loader, resume: bool, on_step: OnStep
) -> tuple[keras.Model, dict[str, Any]]:
    """Train on every GPU; return the network, on one device in float32, and how it was trained."""
    import keras

    with on_every_gpu() as precision:
        keras.utils.set_random_seed(options.seed)
        initial = build_initial(options.architecture, options.init, taxonomy)
        trainee = initial if options.init == "random" else fold_batch_norm(initial)
        curve = fit(trainee, loader, options.stages, run=options.run, resume=resume, on_step=on_step)
        if trainee is not initial:
            unfold_batch_norm(trainee, initial)
        replicas, weights = count_replicas(trainee), initial.get_weights()
    network = build_network(options.architecture, len(taxonomy))
    network.set_weights(weights)
    return network, {"precision": precision, "replicas": replicas, "curve": curve}


def check_val(data: Path, taxonomy: Taxonomy, categories: Path | None = None) -> None:
    """Make sure before hours of training that the result can be measured. Raises DataError."""
    if has_val(data):
        read_photos(data, "val", taxonomy, categories)


def _read_classes(options: TrainingOptions) -> Taxonomy:
    if options.data.is_dir():
        return read_taxonomy(options.data / "taxonomy.csv")
    leaves = read_leaves(find_category_names(options.data, options.categories))
    return choose_classes(open_index(options.data), leaves, options.sampling)


def _facts_of_file(options: TrainingOptions) -> dict[str, Any]:
    """Return the facts that only a run on a BSON file has."""
    if options.data.is_dir():
        return {}
    return {"file": open_index(options.data).to_json(), "sampling": asdict(options.sampling)}


@contextmanager
def _claim_run(options: TrainingOptions, photos: str, resume: bool) -> Iterator[None]:
    """Hold the run's folder with its options and the photos' digest; a resumed run must have the same."""
    text = json.dumps({**asdict(options), "photos": photos}, default=str, indent=1)
    path, has_checkpoint = options.run / "options.json", (options.run / CHECKPOINT).exists()
    if resume and not has_checkpoint:
        raise TrainingError(f"There is no checkpoint in {options.run} to resume from.")
    if has_checkpoint and not resume:
        raise TrainingError(f"{options.run} holds an unfinished run: add --resume to go on, or delete it.")
    options.run.mkdir(parents=True, exist_ok=True)
    with claim(options.run / "lock"):
        if not resume:
            path.write_text(text)
        elif path.read_text() != text:
            raise TrainingError(
                f"The run in {options.run} was started with other options or photos: see {path}."
            )
        yield
