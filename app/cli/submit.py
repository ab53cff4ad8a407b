"""`flask submit`: write the CSV for Kaggle from Cdiscount's test.bson."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli.common import model_option, open_service, progress_bars, say, sentences
from app.cli.indexing import BSON, open_with_bar


@click.command()
@click.option("--data", required=True, type=BSON, help="Cdiscount's test.bson.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="submission.csv")
@model_option
@with_appcontext
def submit(data: Path, out: Path, model: str | None) -> None:
    """Name the category of every product in a BSON file; after a stop the same command continues."""
    from app.training.submission import submit as run

    service = open_service(model)
    unreadable = 0
    with sentences():
        index = open_with_bar(data)
        with progress_bars() as bars:
            bar = bars.add_task("products", total=len(index.products))
            for answered, readable in run(service, data, index, out):
                unreadable += not readable
                bars.update(bar, completed=answered)
    say(f"Wrote {out}. Products without a readable picture in this run: {unreadable}.")
