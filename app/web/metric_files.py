"""The files in which the processes of a site share their numbers; call before anything imports metrics.py."""

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the variable by which prometheus-client knows their folder
NAME = "metrics"  # of their folder
GAUGE = "gauge_livesum"  # how it calls the file of the one kind of gauge that the site has
FILE_BYTES = 256 * 1024  # 10,000 predictions fill 6 kB of the fullest

log = logging.getLogger(__name__)


def clear(instance: Path) -> None:
    """Have all numbers start at 0."""
    shutil.rmtree(instance / NAME, ignore_errors=True)


def share_numbers(instance: Path) -> None:
    """Share the numbers of this process with others; without room for them it counts by itself."""
    folder = instance / NAME
    own = [folder / f"{kind}_{os.getpid()}.db" for kind in ("counter", "histogram", GAUGE)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _forget_ended(folder)
        for path in own:
            _reserve(path)
        os.environ[FOLDER] = str(folder)
    except OSError as error:
        log.warning("/metrics tells of one process alone: %s", error)
        for path in own:
            with suppress(OSError):  # of a folder that cannot be written
                path.unlink()


def _forget_ended(folder: Path) -> None:
    """Forget how many requests a process had in hand when it ended."""
    for path in folder.glob(f"{GAUGE}_*.db"):
        try:
            os.kill(int(path.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)


def _reserve(path: Path) -> None:
    """Make a file with all its blocks: prometheus-client's own are sparse, and a full disk would kill it."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
