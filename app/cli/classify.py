"""`flask classify`: photos and folders in, categories out."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from app.cli.common import model_option, open_service, sentences, with_progress
from app.recognition.bulk import Result, classify_files, find_photos, read_file
from app.recognition.heatmap import draw
from app.recognition.photos import encode, open_photo
from app.template_filters import percent, roll_up, verdict_sentence


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of a table.")
@click.option("--heatmaps", type=click.Path(file_okay=False, path_type=Path), help="A folder to write to, "
              "for each photo and category, a JPEG that shows where the network looked.")  # fmt: skip
@model_option
@with_appcontext
def classify(paths: tuple[Path, ...], as_json: bool, heatmaps: Path | None, model: str | None) -> None:
    """Name the 4 most likely categories of photos, or of all photos in folders."""
    service = open_service(model, mapped=True)
    photos = find_photos(paths)
    if not photos:
        raise click.ClickException("There is no photo in these folders.")
    failed = 0
    with sentences():
        results = with_progress(classify_files(service, photos, explain=bool(heatmaps)), len(photos))
        if heatmaps:
            results = _draw_each(results, heatmaps)
        if as_json:
            for result in results:
                failed += result.error is not None
                click.echo(json.dumps(result.to_json(service)))
        else:
            rows = list(results)
            failed = sum(result.error is not None for result in rows)
            Console().print(_table(rows))
    sys.exit(1 if failed else 0)


def _draw_each(results: Iterable[Result], folder: Path) -> Iterator[Result]:
    """Pass results on, after writing their heatmaps over the photos."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, result in enumerate(results, start=1):
        if result.explanation:
            photo = open_photo(read_file(result.path))
            pairs = zip(result.explanation.prediction.guesses, result.explanation.heatmaps, strict=True)
            for rank, (guess, heatmap) in enumerate(pairs, start=1):
                name = f"{number:04}-{result.path.stem}-{rank}-{guess.category.slug}.jpg"
                (folder / name).write_bytes(encode(draw(photo, heatmap)))
        yield result


def _table(results: Iterable[Result]) -> Table:
    table = Table(Column("photo", overflow="fold"), "category", "probability", "path")
    for result in results:
        if result.prediction is None:
            table.add_row(Text(str(result.path)), Text(str(result.error), style="red"), end_section=True)
            continue
        answer = result.prediction.to_json()
        verdict = verdict_sentence(answer["verdict"], answer["roll_up"])
        table.add_row(Text(str(result.path)), Text(verdict, style="bold"), "", roll_up(answer["roll_up"]))
        for rank, guess in enumerate(result.prediction.guesses):
            table.add_row(
                "",
                f"{guess.category.name_en} ({guess.category.name_fr})",
                percent(guess.probability),
                " > ".join(guess.category.path),
                end_section=rank == len(result.prediction.guesses) - 1,
            )
    return table
