"""`flask similar`: photos of a catalogue that look like others."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from flask.cli import with_appcontext

from app.cli.common import (
    FOLDER,
    list_photos,
    model_option,
    need,
    open_service,
    progress_bars,
    say,
    sentences,
)
from app.errors import AppError
from app.texts import printable
from app.web.site import site


@click.command()
@click.argument("catalogue", type=FOLDER)
@click.argument("queries", metavar="[QUERY]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--index", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="The file that keeps the index; made anew when the catalogue has changed.")  # fmt: skip
@click.option("--least", default=0.95, show_default=True, type=click.FloatRange(0, 1),
              help="How similar two photos of the catalogue must be: 1 is the same photo.")  # fmt: skip
@click.option("--count", default=4, show_default=True, type=click.IntRange(1, 100),
              help="How many photos to name for each QUERY.")  # fmt: skip
@model_option
@with_appcontext
def similar(catalogue: Path, queries: tuple[Path, ...], index: Path, least: float, count: int,
            model: str | None) -> None:  # fmt: skip
    """Name the photos in CATALOGUE that look like QUERY, or like each other, a pair a line."""
    need("usearch")
    from app.teaching.features import FILE, FeatureCache, embed_files
    from app.teaching.similar import Catalogue, describe_state

    service = open_service(model)
    with sentences():
        cache = FeatureCache(site().settings.instance / FILE, service.wait())

        def embed(paths: list[Path]) -> dict[Path, np.ndarray]:
            with progress_bars() as bars:
                found = bars.track(embed_files(service, paths, cache), len(paths), description="looking")
                answers = dict(zip(paths, (one for _, one in found), strict=True))
            for path, answer in answers.items():
                if isinstance(answer, AppError):
                    say(f"{path}: {answer}", err=True)
            read = {path: one for path, one in answers.items() if not isinstance(one, AppError)}
            if not read:
                raise click.ClickException("None of these photos can be read.")
            return read

        photos = list_photos([catalogue])
        state = describe_state(service.wait(), photos)
        known = Catalogue.read(index, state) if queries else None
        if known is None:
            features = embed(photos)
            stacked = np.stack(list(features.values()))
            known = Catalogue.build(index, list(features), stacked, state)
        if not queries:
            for pair in known.duplicates(stacked, least):
                _print(pair.similarity, pair.first, pair.second)
            return
        asked = embed(list_photos(queries))
        for path, nearest in zip(asked, known.find(np.stack(list(asked.values())), count), strict=True):
            for other, similarity in nearest:
                _print(similarity, path, other)


def _print(similarity: float, first: Path, second: Path) -> None:
    click.echo(f"{similarity:.3f}\t{printable(str(first))}\t{printable(str(second))}")
