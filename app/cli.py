"""The command line: `flask classify`, `flask train`, `flask evaluate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from app.errors import AppError
from app.recognition.bulk import Result, classify_files, find_photos
from app.recognition.network import ARCHITECTURES
from app.recognition.service import ModelService
from app.settings import Settings
from app.template_filters import percent

if TYPE_CHECKING:
    from app.training.fit import Stage

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
model_option = click.option("--model", help="The bundle in weights/ to use; the site's own by default.")


def init_app(app: Flask, settings: Settings) -> None:
    for command in (classify, train, evaluate):
        app.cli.add_command(command)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of a table.")
@model_option
@with_appcontext
def classify(paths: tuple[Path, ...], as_json: bool, model: str | None) -> None:
    """Name the 4 most likely categories of photos, or of all photos in folders."""
    service = _service(model)
    photos = find_photos(paths)
    if not photos:
        raise click.ClickException("There is no photo in these folders.")
    failed = 0
    with _sentences():
        results = _with_progress(classify_files(service, photos), len(photos))
        if as_json:
            for result in results:
                failed += result.error is not None
                click.echo(json.dumps(result.to_json(service)))
        else:
            rows = list(results)
            failed = sum(result.error is not None for result in rows)
            Console().print(_table(rows))
    sys.exit(1 if failed else 0)


@click.command()
@click.option("--data", required=True, type=FOLDER, help="Holds val/<slug>/*.jpg.")
@click.option("--split", default="val", show_default=True, help="The folder in --data to measure on.")
@click.option("--engine", default="openvino", show_default=True, type=click.Choice(["openvino", "keras"]))
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON instead of tables.")
@model_option
@with_appcontext
def evaluate(data: Path, split: str, engine: str, as_json: bool, model: str | None) -> None:
    """Measure a bundle on labelled photos through the path that serves them."""
    from app.training.dataset import read_samples
    from app.training.evaluation import evaluate as measure

    service = _service(model, engine)
    with _sentences():
        service.wait()
        taxonomy = service.bundle.taxonomy
        samples = read_samples(data, split, taxonomy)
        results = classify_files(service, [sample.path for sample in samples])
        figures = measure(samples, _with_progress(results, len(samples)), taxonomy, service.bundle.model)
    if as_json:
        click.echo(json.dumps(figures.to_json(), indent=1))
        return
    table = Table("category", "photos", "top-1", "top-4", "precision")
    for row in sorted(figures.categories, key=lambda row: row.top1):
        precision = "-" if row.precision is None else f"{row.precision:.2f}"
        table.add_row(row.slug, str(row.photos), f"{row.top1:.2f}", f"{row.top4:.2f}", precision)
    Console().print(table)
    click.echo(
        f"{figures.model} ({engine}) on {figures.photos} photos: top-1 {figures.top1:.4f}, "
        f"top-4 {figures.top4:.4f}, level-1 {figures.level1:.4f}, "
        f"calibration error {figures.calibration_error:.4f}, unreadable {figures.unreadable}"
    )


@click.command()
@click.option("--data", required=True, type=FOLDER, help="Holds train/<slug>/*.jpg and taxonomy.csv.")
@click.option("--init", required=True, help="Weights to start from: a file, imagenet (downloads) or random.")
@click.option("--arch", required=True, type=click.Choice(list(ARCHITECTURES)))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The bundle: weights/<model id>.")
@click.option("--stage", "stages", multiple=True, metavar="LAYER:EPOCHS:RATE",
              help="Train the layers behind LAYER (all: every layer); several in order. "
              "Default: the architecture's recipe.")  # fmt: skip
@click.option("--side", default=139, show_default=True, help="Training photos are squares of this size, px.")
@click.option("--served-side", default=171, show_default=True, help="The size the bundle is served at, px.")
@click.option("--batch-size", default=64, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of a run that was stopped.")
@with_appcontext
def train(data: Path, init: str, arch: str, out: Path, stages: tuple[str, ...], side: int, served_side: int,
          batch_size: int, seed: int, resume: bool) -> None:  # fmt: skip
    """Fine-tune a network on a folder of labelled photos and write its bundle."""
    from app.training.fit import RECIPES
    from app.training.train import TrainingOptions
    from app.training.train import train as run

    recipe = [_stage(text) for text in stages] or RECIPES[arch]
    options = TrainingOptions(data, init, arch, out, recipe, side, served_side, batch_size, seed)
    with (
        _sentences(),
        _progress("loss {task.fields[loss]:.3f}  accuracy {task.fields[accuracy]:.3f}") as bars,
    ):
        bar = bars.add_task("training", total=None, loss=0.0, accuracy=0.0)

        def report(done: int, total: int, loss: float, accuracy: float) -> None:
            bars.update(bar, completed=done, total=total, loss=loss, accuracy=accuracy)

        run(options, resume, report)
    click.echo(f"Wrote {out}. Measure it with: flask evaluate --data {data} --model {out.name}")


def _service(model: str | None, engine: str = "openvino") -> ModelService:
    settings: Settings = current_app.extensions["settings"]
    return ModelService(settings.weights / (model or settings.model), engine)


def _stage(text: str) -> Stage:
    """Read "mixed8:2:0.001"."""
    from app.training.fit import Stage

    try:
        layer, epochs, rate = text.split(":")
        return Stage("" if layer == "all" else layer, int(epochs), float(rate))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not LAYER:EPOCHS:RATE", param_hint="--stage") from error


@contextmanager
def _sentences() -> Iterator[None]:
    """Show a domain exception as its sentence instead of a trace."""
    try:
        yield
    except AppError as error:
        raise click.ClickException(str(error)) from error


def _progress(*texts: str) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, *(TextColumn(text) for text in texts), console=Console(stderr=True))


def _with_progress(results: Iterable[Result], total: int) -> Iterator[Result]:
    """Pass results on, with a progress bar on stderr when there are many."""
    if total == 1:
        yield from results
        return
    with _progress() as progress:
        yield from progress.track(results, total, description="classifying")


def _table(results: Iterable[Result]) -> Table:
    table = Table(Column("photo", overflow="fold"), "category", "probability", "path")
    for result in results:
        if result.prediction is None:
            table.add_row(Text(str(result.path)), Text(str(result.error), style="red"), end_section=True)
            continue
        for rank, guess in enumerate(result.prediction.guesses):
            table.add_row(
                Text("" if rank else str(result.path)),
                f"{guess.category.name_en} ({guess.category.name_fr})",
                percent(guess.probability),
                " > ".join(guess.category.path),
                end_section=rank == len(result.prediction.guesses) - 1,
            )
    return table
