"""`flask calibrate`: fit a bundle's temperature and thresholds to photos it was not trained on."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli.common import FOLDER, bundle_folder, model_option, say, sentences


@click.command()
@click.option("--data", required=True, type=FOLDER, help="Holds train/<slug>/*.jpg.")
@click.option("--split", help="Another folder in --data, with photos not trained on. "
              "By default the photos of train that training holds out.")  # fmt: skip
@model_option
@with_appcontext
def calibrate(data: Path, split: str | None, model: str | None) -> None:
    """Fit a bundle's temperature and thresholds to labelled photos and rewrite its manifest.

    From the photos it was trained on, note what it knows of its categories, too: for flask teach --add-to.
    """
    from app.data.dataset import read_folder, split_calibration
    from app.evaluation.card import forget_calibration
    from app.recognition.bundle import load_bundle
    from app.teaching.known import learn_known
    from app.training.calibration import calibrate_bundle

    folder = bundle_folder(model)
    with sentences():
        bundle = load_bundle(folder)
        photos = read_folder(data, split or "train", bundle.taxonomy)
        if not split:
            trained, photos = split_calibration(photos, bundle.held_out_sources)
            learn_known(folder, trained)
        calibrate_bundle(folder, photos)
        forget_calibration(folder)
        fitted = load_bundle(folder)
    limits = fitted.thresholds
    say(
        f"{folder.name}: temperature {fitted.temperature:.4f}; sure from {_probability(limits.sure)}, "
        f"a level above trusted from {_probability(limits.path)}, "
        f"one of its categories from a score of {limits.known:.2f}."
    )
    say(f"Measure it anew with: flask evaluate --data {data} --model {folder.name} --save")


def _probability(threshold: float) -> str:
    return f"{threshold:.4f}" if threshold <= 1 else "never"
