"""`flask evaluate`: measure a bundle on labelled photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.table import Table

from app.cli.common import model_option, need, open_service, say, sentences, with_progress
from app.cli.indexing import BSON, open_with_bar
from app.recognition.bundle import PRODUCTS_KNOWN

if TYPE_CHECKING:
    from app.evaluation.figures import Evaluation
    from app.evaluation.shares import Share


WEAKEST = 20


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, path_type=Path),
              help="A folder with val/<slug>/*.jpg, perhaps not_product/*.jpg; or train.bson.")  # fmt: skip
@click.option("--categories", type=BSON, help="category_names.csv; by default the one beside train.bson.")
@click.option("--split", default="val", show_default=True, help="The photos in --data to measure on.")
@click.option("--engine", default="openvino", show_default=True, type=click.Choice(["openvino", "keras"]))
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON instead of tables.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Also write DIR/report.html: figures, plots, examples.")  # fmt: skip
@click.option("--save", is_flag=True, help="Save figures and plots in the bundle, where the site shows them.")
@model_option
@with_appcontext
def evaluate(data: Path, categories: Path | None, split: str, engine: str, as_json: bool,
             report: Path | None, save: bool, model: str | None) -> None:  # fmt: skip
    """Measure a bundle on labelled photos through the path that serves them."""
    from app.evaluation.card import save_evaluation
    from app.evaluation.measure import measure

    if report or save:
        need("matplotlib")
    if engine == "keras":
        need("keras")
    if save and engine != "openvino":
        raise click.UsageError("--save is for what was measured of the serving engine: leave out --engine.")
    if save and split == "train":
        raise click.UsageError("--save is for what was measured on photos not trained on: leave out --split.")
    service = open_service(model, engine)
    with sentences():
        if report:
            report.mkdir(parents=True, exist_ok=True)  # so that a bad folder fails now, not after hours
        if data.is_file():
            open_with_bar(data)
        evaluation, photos = measure(service, data, split, categories=categories, watch=with_progress)
        bundle = service.wait()
    if as_json:
        click.echo(json.dumps(evaluation.to_json(), indent=1))
    else:
        _print_tables(evaluation, engine, len(bundle.taxonomy))
    with sentences():
        if report:
            from app.cli.report import write_report

            say(f"Wrote {write_report(report, bundle, evaluation, photos)}.", err=True)
        if save:
            save_evaluation(bundle, evaluation)
            say(f"Saved in {bundle.folder}.", err=True)


def _print_tables(evaluation: Evaluation, engine: str, classes: int) -> None:
    categories = Table("weakest categories", "photos", "top-1", "top-4", "precision")
    for row in sorted(evaluation.categories, key=lambda row: row.top1)[:WEAKEST]:
        precision = "-" if row.precision is None else f"{row.precision:.2f}"
        categories.add_row(row.slug, str(row.photos), f"{row.top1:.2f}", f"{row.top4:.2f}", precision)
    figures = Table("figure", "of", "measured", "95 % interval")
    for name, share in _shares(evaluation).items():
        if share.value is not None:
            figures.add_row(name, str(share.photos), f"{share.value:.4f}", _interval(share.low, share.high))
    for table in (figures, categories):
        Console().print(table)
    if without := classes - len(evaluation.categories):
        say(f"Of {without} of {classes} categories there is no photo.")
    say(
        f"{evaluation.model} ({engine}) on {evaluation.photos} photos: calibration error "
        f"{evaluation.calibration_error:.4f} ({_interval(*evaluation.calibration_interval)}; "
        f"{evaluation.calibration_chance:.4f} by chance), area under risk and coverage "
        f"{evaluation.risk_area:.4f} ({_interval(*evaluation.risk_area_interval)}), "
        f"unreadable {evaluation.unreadable}"
    )


def _interval(low: float | None, high: float | None) -> str:
    return f"{low:.4f} to {high:.4f}"


def _shares(evaluation: Evaluation) -> dict[str, Share]:
    """Return the shares to print by their names, in order."""
    shares = {"top-1": evaluation.top1, "top-4": evaluation.top4}
    shares |= {f"level {n} right": share for n, share in enumerate(evaluation.levels, start=1)}
    for row in evaluation.verdicts:
        shares |= {f"answered “{row.verdict}”": row.given, f"of these right, “{row.verdict}”": row.right}
    for step in evaluation.roll_up:
        shares |= {
            f"rolled up to level {step.level}": step.given,
            f"of these right, level {step.level}": step.right,
        }
    if evaluation.not_product and evaluation.not_product_at_promise:
        shares["photos of no product marked so"] = evaluation.not_product
        known = f"were {PRODUCTS_KNOWN:.0%} of products known"
        shares[f"the same, {known}"] = evaluation.not_product_at_promise
    if products := evaluation.per_product:
        shares |= {"top-1 per product": products.top1, "top-4 per product": products.top4}
        shares |= {"products answered “sure”": products.sure, "of these right": products.sure_right}
    return shares
