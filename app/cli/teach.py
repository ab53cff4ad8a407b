"""`flask teach`: a bundle for categories of one's own, from a handful of photos each, in seconds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from app.cli.common import FOLDER, bundle_folder, model_option, progress_bars, say, sentences
from app.recognition.taxonomy import Category, is_taught
from app.texts import printable
from app.web.site import site

if TYPE_CHECKING:
    from app.recognition.taxonomy import Taxonomy
    from app.teaching.lesson import Lesson
    from app.teaching.listing import Example, Names

T = TypeVar("T")


@click.command()
@click.argument("photos", required=False, type=FOLDER)
@click.option("--labels", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A CSV file with the columns path and category, perhaps product; paths start in PHOTOS. "
              "By default PHOTOS/<category>/*.jpg, and nested folders become the tree.")  # fmt: skip
@click.option("--corrections", is_flag=True,
              help="Teach what visitors said is right, besides PHOTOS or alone.")  # fmt: skip
@click.option("--add-to", type=FOLDER, help="A bundle whose categories to keep beside the new ones.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="The bundle to write: weights/<model id>.")  # fmt: skip
@model_option
@with_appcontext
def teach(photos: Path | None, labels: Path | None, corrections: bool, add_to: Path | None, out: Path,
          model: str | None) -> None:  # fmt: skip
    """Teach a network the categories of the folders in PHOTOS, and write a bundle."""
    from app.recognition.bundle import load_bundle
    from app.teaching.features import FILE
    from app.teaching.lesson import give_lesson
    from app.teaching.listing import Names, read_table, read_tree
    from app.training.export import check_out

    if labels and not photos:
        raise click.UsageError("--labels needs the folder PHOTOS where its paths start.")
    if not photos and not corrections:
        raise click.UsageError("Name a folder of PHOTOS, or --corrections.")
    if add_to and model:
        raise click.UsageError("--add-to and --model exclude each other: both name the network to teach.")
    base, keep = add_to or bundle_folder(model), bool(add_to or corrections)
    with sentences(), tempfile.TemporaryDirectory() as temporary:
        check_out(out)
        taxonomy = load_bundle(base).taxonomy
        names, examples = Names(taxonomy if keep else None), []
        if photos:
            examples += read_table(labels, photos, names) if labels else read_tree(photos, names)
        if corrections:
            examples += _read_corrections(Path(temporary) / "corrections", names, taxonomy)
        with progress_bars() as bars:

            def watch(answers: Iterator[T], total: int) -> Iterator[T]:
                return iter(bars.track(answers, total, description="looking at photos"))

            cache = site().settings.instance / FILE
            lesson = give_lesson(base, examples, out, cache=cache, keep=keep, watch=watch)
    _print(lesson)
    say(f"Wrote {out}. Try it with: flask classify PHOTO --model {out.name}")


def _read_corrections(folder: Path, names: Names, taxonomy: Taxonomy) -> list[Example]:
    from app.corrections.export import export
    from app.teaching.listing import read_tree

    export(site().corrections, taxonomy, site().models.catalogue, folder)
    return read_tree(folder / "train", names)


def _print(lesson: Lesson) -> None:
    for line in lesson.remarks:
        say(line, err=True)
    table = Table("category", Column("photos", justify="right"), Column("right", justify="right"),
                  "most of the others are taken for")  # fmt: skip
    for one in lesson.outcomes:
        right = f"{one.right / one.measured:.0%}" if one.measured else "not measured"
        other = f"{_name(one.taken_for)} ({one.taken})" if one.taken_for else ""
        table.add_row(Text(_name(one.category)), str(one.photos), right, Text(other))
    Console().print(table)
    for one in lesson.outcomes:
        if one.is_weak and one.taken_for:
            say(f"Add photos of {_name(one.category)}: {one.measured - one.right} of {one.measured} are "
                f"answered wrongly, most as {_name(one.taken_for)}.")  # fmt: skip
    say(lesson.summary)


def _name(category: Category) -> str:
    return printable(" > ".join(category.path) if is_taught(category) else category.name_en)
