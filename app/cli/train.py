"""`flask train`: make a bundle from labelled photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from app.cli.common import FOLDER, need, progress_bars, say, sentences, start_keras
from app.cli.indexing import BSON, open_with_bar
from app.recognition.network import ARCHITECTURES

if TYPE_CHECKING:
    from app.evaluation.measure import Stream
    from app.training.fit import Stage


SMALLEST_SIDE = 75  # px; Inception V3 takes no smaller photo


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, path_type=Path),
              help="A folder with train/<slug>/*.jpg and taxonomy.csv, or Cdiscount's "
              "train.bson. The next five options are for train.bson only.")  # fmt: skip
@click.option("--categories", type=BSON, help="category_names.csv; by default the one beside --data.")
@click.option("--level", type=click.IntRange(1, 3), help="The level of the tree to use; by default 3.")
@click.option("--min-images", type=click.IntRange(1), help="Leave out classes with fewer training pictures.")
@click.option("--per-category", type=click.IntRange(1), help="Draw this many pictures of each class.")
@click.option("--all", "everything", is_flag=True, help="Draw all pictures; the default.")
@click.option("--init", required=True,
              help="Weights to start from: a bundle (with its head if it has the same categories), a "
              "file, imagenet (downloads) or random.")  # fmt: skip
@click.option("--arch", required=True, type=click.Choice(list(ARCHITECTURES)))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The bundle: weights/<model id>.")
@click.option("--stage", "stages", multiple=True, metavar="LAYER:EPOCHS:RATE:SIDE",
              help="Train the layers behind LAYER (all: every layer) on squares of SIDE px; repeat it for "
              "several stages. Default: the architecture's recipe.")  # fmt: skip
@click.option("--served-side", type=click.IntRange(SMALLEST_SIDE),
              help="The side at which to serve the bundle, px; by default the last SIDE.")  # fmt: skip
@click.option("--teacher", "teachers", multiple=True, type=FOLDER,
              help="A bundle to learn from besides the labels; repeat it for several.")  # fmt: skip
@click.option("--soft-labels", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="The file that `flask soften` wrote for the same data.")  # fmt: skip
@click.option("--hold-out", multiple=True, metavar="SOURCE",
              help="Calibrate on the photos of this source instead of a twentieth of all; repeat it for "
              "several.")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(2), default=64, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of a run that was stopped.")
@with_appcontext
def train(data: Path, categories: Path | None, level: int | None, min_images: int | None,
          per_category: int | None, everything: bool, init: str, arch: str, out: Path,
          stages: tuple[str, ...], served_side: int | None, teachers: tuple[Path, ...],
          soft_labels: Path | None, hold_out: tuple[str, ...], batch_size: int, seed: int,
          resume: bool) -> None:  # fmt: skip
    """Fine-tune a network on labelled photos and write its bundle."""
    need("keras", "matplotlib", "nncf")
    devices = start_keras()
    from app.data.cdiscount import Sampling
    from app.evaluation.measure import measure_and_save
    from app.training.fit import RECIPES
    from app.training.train import TrainingOptions
    from app.training.train import train as run

    recipe = [_stage(text) for text in stages] or RECIPES[arch]
    served_side = served_side or recipe[-1].side
    if everything and per_category:
        raise click.UsageError("--all and --per-category exclude each other.")
    if data.is_dir() and (categories or level or min_images or per_category or everything):
        raise click.UsageError(
            "--categories, --level, --min-images, --per-category and --all are for train.bson."
        )
    options = TrainingOptions(
        data=data, init=init, architecture=arch, out=out, stages=recipe, served_side=served_side,
        teachers=teachers, soft_labels=soft_labels, hold_out=hold_out, batch_size=batch_size, seed=seed,
        categories=categories, sampling=Sampling(level or 3, min_images or 1, per_category),
    )  # fmt: skip
    with sentences():
        if data.is_file():
            open_with_bar(data)
    say(f"Training on {devices}.", err=True)
    with sentences(), progress_bars("{task.fields[figures]}") as bars:
        bar = bars.add_task("training", total=None, figures="")

        def show(done: int, total: int, loss: float, accuracy: float) -> None:
            figures = f"loss {loss:.3f}  accuracy {accuracy:.3f}"
            bars.update(bar, completed=done, total=total, figures=figures)

        def watch(answers: Stream, total: int) -> Stream:
            return iter(bars.track(answers, total, task_id=bars.add_task("measuring", figures="")))

        run(options, resume, show)
        measure_and_save(out, data, categories, watch)
    named = f" --categories {categories}" if categories else ""
    say(f"Wrote {out}. Measure it with: flask evaluate --data {data}{named} --model {out.name}")


def _stage(text: str) -> Stage:
    """Read "mixed8:2:0.001:139"."""
    from app.training.fit import Stage

    try:
        layer, epochs, rate, side = text.split(":")
        stage = Stage("" if layer == "all" else layer, int(epochs), float(rate), int(side))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not LAYER:EPOCHS:RATE:SIDE", param_hint="--stage") from error
    if stage.epochs < 1 or not 0 < stage.rate < 1 or stage.side < SMALLEST_SIDE:
        raise click.BadParameter(
            f"{text!r} is no stage: it takes 1 epoch or more, a rate between 0 and 1 and {SMALLEST_SIDE} px "
            "or more.", param_hint="--stage",
        )  # fmt: skip
    return stage
