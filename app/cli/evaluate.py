"""`flask evaluate`: how right a bundle is on labelled photos."""

import json
from pathlib import Path

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.table import Table

from app.cli.common import FOLDER, model_option, open_service, sentences, with_progress
from app.recognition.bulk import classify_each


@click.command()
@click.option("--data", required=True, type=FOLDER, help="Holds val/<slug>/*.jpg.")
@click.option("--split", default="val", show_default=True, help="The folder in --data to measure on.")
@click.option("--engine", default="openvino", show_default=True, type=click.Choice(["openvino", "keras"]))
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON instead of tables.")
@model_option
@with_appcontext
def evaluate(data: Path, split: str, engine: str, as_json: bool, model: str | None) -> None:
    """Measure a bundle on labelled photos through the path that serves them."""
    from app.training.dataset import read_folder
    from app.training.evaluation import evaluate as measure

    service = open_service(model, engine)
    with sentences():
        service.wait()
        photos = read_folder(data, split, service.bundle.taxonomy)
        answers = classify_each(service, photos.readers())
        figures = measure(photos, with_progress(answers, len(photos)), service.bundle)
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
