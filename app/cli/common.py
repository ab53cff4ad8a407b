"""What the commands share: the model service, sentences for faults, progress bars."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.errors import AppError
from app.recognition.bulk import find_photos
from app.recognition.service import ModelService
from app.texts import printable
from app.web.site import site

T = TypeVar("T")
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
model_option = click.option("--model", help="The bundle in weights/ to use; by default the site's.")


def open_service(model: str | None, engine: str = "openvino", mapped: bool = False) -> ModelService:
    """Make the service of a bundle; if `mapped`, it answers in the categories of TAXONOMY_MAP."""
    settings = site().settings
    return ModelService(bundle_folder(model), engine, mapping=settings.taxonomy_map if mapped else None)


def bundle_folder(model: str | None) -> Path:
    """Return the folder of a bundle; without a name, of the site's default."""
    settings = site().settings
    return settings.weights / (model or settings.model)


def need(*packages: str) -> None:
    """End the command before its work begins where a package is missing that serving does not need."""
    if missing := [name for name in packages if not find_spec(name)]:
        raise click.ClickException(f"Missing: {', '.join(missing)}. pip install -r requirements-train.txt")


def start_keras() -> str:
    """Import Keras, and name the devices that networks train on.

    What TensorFlow's C++ tells the terminal meanwhile (hints, and that there is no GPU) is shown only if
    the start fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # from then on: faults, but no hints
    with _held_back():
        from app.training.devices import describe_devices

        return describe_devices()


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold back what libraries write to the terminal past Python; show it after an exception."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as told:
        os.dup2(told.fileno(), 2)
        try:
            yield
        except BaseException:
            told.seek(0)
            os.write(terminal, told.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


@contextmanager
def sentences() -> Iterator[None]:
    """Show a fault of the site or the disk as a sentence instead of a trace."""
    _spell_out()
    try:
        yield
    except AppError as error:
        raise click.ClickException(printable(str(error))) from error
    except BrokenPipeError:  # whoever reads what is printed has had enough: click ends quietly
        raise
    except OSError as error:
        where = printable(str(error.filename or "The disk"))
        raise click.ClickException(f"{where}: {error.strerror or error}.") from error


def say(text: str, err: bool = False) -> None:
    """Print a line, in which names of files may do nothing to the terminal."""
    _spell_out()
    click.echo(printable(text), err=err)


def _spell_out() -> None:
    r"""Have what a terminal has no letters for shown as \xe9 instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def list_photos(paths: Iterable[Path]) -> list[Path]:
    """List photos as `find_photos` does, and say what is passed over."""
    listing = find_photos(paths)
    if remark := listing.remark():
        say(remark, err=True)
    return listing.photos


def progress_bars(*texts: str) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, *(TextColumn(text) for text in texts), console=Console(stderr=True))


def with_progress(results: Iterable[T], total: int) -> Iterator[T]:
    """Pass on results, with a progress bar on stderr if there are several."""
    if total == 1:
        yield from results
        return
    with progress_bars() as progress:
        yield from progress.track(results, total, description="classifying")
