"""`flask classify`: name the categories of photos and folders."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from app.cli.common import list_photos, model_option, open_service, sentences, with_progress
from app.errors import AppError
from app.recognition.bulk import (
    ProductResult,
    Result,
    classify_files,
    group_products,
    join_products,
    read_file,
)
from app.recognition.bundle import Bundle
from app.recognition.heatmap import Explanation, draw
from app.recognition.names import SEPARATOR
from app.recognition.photos import encode, open_photo
from app.recognition.prediction import Prediction
from app.recognition.taxonomy import path_in
from app.texts import printable
from app.web.template_filters import percent, roll_up

NAME_BYTES = 100  # of a photo's name in the names of its heatmaps


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of a table.")
@click.option("--heatmaps", type=click.Path(file_okay=False, path_type=Path), help="The folder for JPEGs "
              "that show, for each photo and category, where the network looked.")  # fmt: skip
@click.option("--product", is_flag=True, help="The 1 to 8 photos of each folder show one product, and "
              "so do the files named: give one answer from all, and each photo's own below.")  # fmt: skip
@model_option
@with_appcontext
def classify(
    paths: tuple[Path, ...], as_json: bool, heatmaps: Path | None, product: bool, model: str | None
) -> None:
    """Name the 4 most likely categories of photos, or of all photos in folders."""
    service = open_service(model, mapped=True)
    with sentences():
        listed = list_photos(paths)
        products = group_products(paths) if product else []
        photos = [photo for _, found in products for photo in found] if product else listed
        if not photos:
            raise click.ClickException("There is no photo in these folders.")
        results = with_progress(classify_files(service, photos, explain=bool(heatmaps)), len(photos))
        if heatmaps:
            results = _draw_each(results, heatmaps)
        bundle = service.wait()
        answers = join_products(bundle, products, results) if product else results
        failed = _print_json(answers, bundle) if as_json else _print_table(answers)
    sys.exit(1 if failed else 0)


def _draw_each(results: Iterable[Result], folder: Path) -> Iterator[Result]:
    """Pass on results after writing their photos with heatmaps."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, result in enumerate(results, start=1):
            if result.explanation:
                _draw(result.path, result.explanation, folder / f"{number:04}-{_cut(result.path.stem)}")
            yield result
    except OSError as error:
        raise click.FileError(printable(str(folder)), error.strerror) from error


def _cut(name: str) -> str:
    """Cut a name so that a file name has room for it, which counts bytes and not letters."""
    return os.fsdecode(os.fsencode(name)[:NAME_BYTES].decode(errors="ignore").encode())


def _draw(path: Path, explanation: Explanation, start: Path) -> None:
    """Write a photo with each of its heatmaps to files whose names begin with `start`."""
    photo = open_photo(read_file(path))
    pairs = zip(explanation.prediction.guesses, explanation.heatmaps, strict=True)
    for rank, (guess, heatmap) in enumerate(pairs, start=1):
        file = start.with_name(f"{start.name}-{rank}-{guess.category.slug}.jpg")
        file.write_bytes(encode(draw(photo, heatmap)))


def _print_json(answers: Iterable[Result | ProductResult], bundle: Bundle) -> int:
    """Print one line for each answer as it comes, and return how many contain a fault."""
    failed = 0
    for answer in answers:
        failed += _has_fault(answer)
        click.echo(json.dumps(answer.to_json(bundle)))
    return failed


def _print_table(answers: Iterable[Result | ProductResult]) -> int:
    """Print all answers as one table, and return how many contain a fault."""
    table = Table(Column("photo", overflow="fold"), "category", "probability", "path")
    rows = list(answers)
    for row in rows:
        if isinstance(row, Result):
            _add_row(table, str(row.path), row.prediction, row.error)
            continue
        prediction = row.answer.prediction if row.answer else None
        _add_row(table, f"{row.path}: {len(row.photos)} photos of one product", prediction, row.error)
        if row.answer and row.answer.remark:
            table.add_row("", Text(row.answer.remark, style="bold"), end_section=True)
        for photo in row.photos:
            _add_row(table, str(photo.path), photo.prediction, photo.error)
    Console().print(table)
    return sum(_has_fault(row) for row in rows)


def _has_fault(answer: Result | ProductResult) -> bool:
    photos = answer.photos if isinstance(answer, ProductResult) else []
    return any(one.error is not None for one in (answer, *photos))


def _add_row(table: Table, name: str, prediction: Prediction | None, error: AppError | None) -> None:
    if prediction is None:
        shown = Text(printable(str(error)), style="red")
        table.add_row(Text(printable(name)), shown, end_section=True)
        return
    answer = prediction.to_json()
    in_words = answer["in_words"]
    table.add_row(Text(printable(name)), Text(in_words, style="bold"), "", roll_up(answer["roll_up"]))
    for rank, guess in enumerate(prediction.guesses):
        table.add_row(
            "",
            f"{guess.category.name_en} ({guess.category.name_fr})",
            percent(guess.probability),
            SEPARATOR.join(path_in(guess.category, "en")),
            end_section=rank == len(prediction.guesses) - 1,
        )
