"""`flask evaluate`: measure a bundle on labelled photos."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.table import Table

from app.cli.common import model_option, need, open_service, say, sentences, start_keras, with_progress
from app.cli.indexing import BSON, open_with_bar
from app.recognition.bundle import KNOWN

if TYPE_CHECKING:
    from app.evaluation.figures import Evaluation
    from app.evaluation.shares import Share


WEAKEST = 20


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, path_type=Path),
              help="A folder with val/<slug>/*.jpg, perhaps unknown/*.jpg and not_product/*.jpg; "
              "or train.bson.")  # fmt: skip
@click.option("--categories", type=BSON, help="category_names.csv; by default the one beside train.bson.")
@click.option("--split", default="val", show_default=True,
              help="The photos in --data to measure on, or several such parts: val,val_2.")  # fmt: skip
@click.option("--elsewhere", default="", metavar="SPLIT",
              help="Also measure, apart, on photos from sources that training never saw.")  # fmt: skip
@click.option("--engine", default="openvino", show_default=True, type=click.Choice(["openvino", "keras"]))
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON instead of tables.")
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Also write DIR/report.html: figures, plots, examples.")  # fmt: skip
@click.option("--save", is_flag=True, help="Save figures and plots in the bundle, where the site shows them.")
@model_option
@with_appcontext
def evaluate(data: Path, categories: Path | None, split: str, elsewhere: str, engine: str, as_json: bool,
             report: Path | None, save: bool, model: str | None) -> None:  # fmt: skip
    """Measure a bundle on labelled photos through the path that serves them."""
    from app.evaluation.card import save_evaluation
    from app.evaluation.measure import measure

    if report or save:
        need("matplotlib")
    if engine == "keras":
        need("keras")
        start_keras()
    if save:
        _check_saved(engine, [*split.split(","), *elsewhere.split(",")])
    if elsewhere and data.is_file():
        raise click.UsageError("--elsewhere is for a folder of photos: a BSON file has one source.")
    service = open_service(model, engine)
    with sentences():
        if report:
            report.mkdir(parents=True, exist_ok=True)  # so that a bad folder fails now, not after hours
        if data.is_file():
            open_with_bar(data)
        evaluation, photos = measure(service, data, split, elsewhere, categories, with_progress)
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


def _check_saved(engine: str, splits: Sequence[str]) -> None:
    """Refuse to save what tells nothing of the served network on new photos."""
    if engine != "openvino":
        raise click.UsageError("--save is for what was measured of the serving engine: leave out --engine.")
    if "train" in splits:
        raise click.UsageError("--save is for what was measured on photos not trained on: leave out --split.")


def _print_tables(evaluation: Evaluation, engine: str, classes: int) -> None:
    """Print the figures on photos from elsewhere first, as they count most, then those on the splits."""
    elsewhere = evaluation.elsewhere
    if elsewhere:
        groups = {group.name: group.top1 for group in (*elsewhere.departments, *elsewhere.sources)}
        _print_shares(f"sources never trained on ({elsewhere.split})", _shares(elsewhere))
        _print_shares(f"top-1 by department and source ({elsewhere.split})", groups)
    _print_shares(evaluation.split, _shares(evaluation) | _shares_of_strangers(evaluation))
    categories = Table("weakest categories", "photos", "top-1", "top-4", "precision")
    for row in sorted(evaluation.categories, key=lambda row: row.top1)[:WEAKEST]:
        precision = "-" if row.precision is None else f"{row.precision:.2f}"
        categories.add_row(row.slug, str(row.photos), f"{row.top1:.2f}", f"{row.top4:.2f}", precision)
    Console().print(categories)
    if without := classes - len(evaluation.categories):
        say(f"Of {without} of {classes} categories there is no photo.")
    for measured in (elsewhere, evaluation) if elsewhere else (evaluation,):
        say(
            f"{measured.model} ({engine}) on {measured.photos} photos ({measured.split}): calibration error "
            f"{measured.calibration_error:.4f} ({_interval(*measured.calibration_interval)}; "
            f"{measured.calibration_chance:.4f} by chance), area under risk and coverage "
            f"{measured.risk_area:.4f} ({_interval(*measured.risk_area_interval)}), "
            f"unreadable {measured.unreadable}"
        )


def _print_shares(title: str, shares: dict[str, Share]) -> None:
    figures = Table(title, "of", "measured", "95 % interval")
    for name, share in shares.items():
        if share.value is not None:
            figures.add_row(name, str(share.photos), f"{share.value:.4f}", _interval(share.low, share.high))
    Console().print(figures)


def _interval(low: float | None, high: float | None) -> str:
    return f"{low:.4f} to {high:.4f}"


def _shares(evaluation: Evaluation) -> dict[str, Share]:
    """Return the shares to print by their names, in order."""
    shares = {"top-1": evaluation.top1, "top-4": evaluation.top4}
    shares |= {f"level {n} right": share for n, share in enumerate(evaluation.levels, start=1)}
    for row in evaluation.verdicts:
        shares |= {f"answered “{row.verdict}”": row.given, f"of these right, “{row.verdict}”": row.right}
    shares["right if “sure” of a category seldom seen"] = evaluation.seldom_sure_right
    for step in evaluation.roll_up:
        shares |= {
            f"rolled up to level {step.level}": step.given,
            f"of these right, level {step.level}": step.right,
        }
    if products := evaluation.per_product:
        shares |= {"top-1 per product": products.top1, "top-4 per product": products.top4}
        shares |= {"products answered “sure”": products.sure, "of these right": products.sure_right}
    return shares


def _shares_of_strangers(evaluation: Evaluation) -> dict[str, Share]:
    """Return what to print of photos that show nothing the network knows."""
    shares = {}
    groups = (("other categories", evaluation.unknown), ("no product", evaluation.not_product))
    for name, strangers in groups:
        if strangers:
            shares[f"{name}: answered “sure”"] = strangers.sure
            shares[f"{name}: answered “unsure”"] = strangers.unsure
            shares[f"{name}: answered “no_category”"] = strangers.no_category
            shares[f"{name}: the same, were {KNOWN:.0%} of the others known"] = strangers.at_promise
    return shares
