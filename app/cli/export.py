"""`flask export`: a bundle's network in the format of another runtime."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli.common import FOLDER, need, say, sentences

NEEDS = {
    "onnx": ("keras", "tf2onnx"),
    "litert": ("keras", "tensorflow"),
    "openvino": (),
    "saved_model": ("keras", "tensorflow"),
}


@click.command()
@click.argument("bundle", type=FOLDER)
@click.option("--format", "name", required=True, type=click.Choice(list(NEEDS)))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="A new folder.")
@with_appcontext
def export(bundle: Path, name: str, out: Path) -> None:
    """Write the network of the folder BUNDLE with its labels and an example for another runtime."""
    need(*NEEDS[name])
    from app.recognition.bundle import load_bundle
    from app.training.formats import export_bundle

    with sentences():
        export_bundle(load_bundle(bundle), name, out)
    say(f"Wrote {out}. Try it with: python {out / 'example.py'} PHOTO")
