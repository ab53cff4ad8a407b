"""`flask soften`: make soft labels for `flask train` with networks that were trained on other photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from app.cli.common import FOLDER, need, say, sentences, start_keras

if TYPE_CHECKING:
    from app.training.soft_labels import FrozenNetwork


@click.command()
@click.option("--data", required=True, type=FOLDER, help="Holds taxonomy.csv and train/<slug>/*.jpg.")
@click.option("--network", "networks", required=True, multiple=True, metavar="FILE:SIDE:SCALE:OFFSET",
              help="An OpenVINO file that turns squares of SIDE px with value * SCALE + OFFSET into pooled "
              "features; repeat it for the mean answer of several.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.npz")
@click.option("--hold-out", multiple=True, metavar="SOURCE", help="As for `flask train`.")
@with_appcontext
def soften(data: Path, networks: tuple[str, ...], out: Path, hold_out: tuple[str, ...]) -> None:
    """Answer each training photo by networks that never saw it, for `flask train --soft-labels`."""
    need("keras")
    start_keras()
    from app.data.dataset import read_folder, split_calibration
    from app.recognition.taxonomy import read_taxonomy
    from app.training.soft_labels import write_soft_labels

    frozen = [_network(text) for text in networks]
    with sentences():
        taxonomy = read_taxonomy(data / "taxonomy.csv")
        photos = read_folder(data, "train", taxonomy)
        _, held_out = split_calibration(photos, hold_out)
        right = write_soft_labels(out, photos, held_out, taxonomy, frozen)
    say(f"Wrote {out}: the best answer is the label for {right:.1%} of {len(photos)} photos.")


def _network(text: str) -> FrozenNetwork:
    """Read "base.xml:224:1:0"."""
    from app.recognition.preprocess import Preprocessing
    from app.training.soft_labels import FrozenNetwork

    try:
        path, side, scale, offset = text.rsplit(":", 3)
        return FrozenNetwork(Path(path), Preprocessing(int(side), float(scale), float(offset)))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not FILE:SIDE:SCALE:OFFSET", param_hint="--network") from error
