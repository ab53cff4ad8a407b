"""A lock, so that one process at a time writes a run or a submission."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import DataError


@contextmanager
def claim(path: Path) -> Iterator[None]:
    """Hold the file at `path`, made if missing. Raises DataError while another process holds it."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(f"Another process is at work on {path}.") from error
        yield
