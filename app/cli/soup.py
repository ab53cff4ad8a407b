"""`flask soup`: average several trained networks into one bundle."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli.common import FOLDER, need, say, sentences, start_keras


@click.command()
@click.argument("bundles", nargs=-1, required=True, type=FOLDER)
@click.option("--data", required=True, type=FOLDER, help="The photos that the bundles were trained on.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The bundle: weights/<model id>.")
@with_appcontext
def soup(bundles: tuple[Path, ...], data: Path, out: Path) -> None:
    """Average the weights of BUNDLES that were fine-tuned from the same network, and write a bundle."""
    need("keras", "matplotlib", "nncf")
    start_keras()
    from app.evaluation.measure import measure_and_save
    from app.training.soup import average

    with sentences():
        average(bundles, data, out)
        measure_and_save(out, data)
    say(f"Wrote {out}. Measure it with: flask evaluate --data {data} --model {out.name}")
