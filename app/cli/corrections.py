"""`flask corrections`: visitors' corrections as photos to train on and as a table."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import AppGroup
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from app.cli.common import say, sentences
from app.corrections.export import export as write
from app.corrections.report import report as count
from app.texts import printable
from app.web.site import site

SHOWN = 30  # pairs in the table; --json has all

corrections = AppGroup("corrections", help="Export or count visitors' corrections.")


@corrections.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def export(folder: Path) -> None:
    """Write corrected photos to a new folder DIR, in the layout of `flask train`."""
    models = site().models
    with sentences():
        try:
            done = write(site().corrections, models.taxonomy, models.catalogue, folder)
        except OSError as error:
            raise click.FileError(printable(str(folder)), error.strerror) from error
    say(
        f"Wrote {done.answers} corrected answers to {folder}: "
        f"{done.photos} with a photo, in {done.categories} categories."
    )
    if done.unknown:
        say(f"{done.unknown} name a category that is none, or several, of the network's.")


@corrections.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON object instead of a table.")
def report(as_json: bool) -> None:
    """Show which categories are confused, the most frequent pairs first."""
    with sentences():
        done = count(site().corrections.all())
    if as_json:
        click.echo(json.dumps(asdict(done)))
        return
    table = Table("predicted", "right", Column("answers", justify="right"))
    for pair in done.pairs[:SHOWN]:
        table.add_row(Text(pair.predicted), Text(pair.right), str(pair.count))
    Console().print(table)
    say(f"{done.answers} answers were reviewed, {done.confirmed} of them confirmed.")
