"""What the commands on BSON files share: opening the index, with a progress bar while it is made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.common import progress_bars, say

if TYPE_CHECKING:
    from app.data.bson import Index

BSON = click.Path(exists=True, dir_okay=False, path_type=Path)
MEGABYTE = 1_000_000


def open_with_bar(data: Path) -> Index:
    """Open the index of a BSON file, made on first use, and print on stderr what the file holds."""
    from app.data.bson import open_index

    with progress_bars() as bars:
        bar = bars.add_task("indexing, MB", total=None)

        def progress(done: int, size: int) -> None:
            bars.update(bar, completed=done // MEGABYTE, total=size // MEGABYTE)

        index = open_index(data, progress)
    say(f"{data.name}: {index}", err=True)
    return index
