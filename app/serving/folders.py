"""The folders that the site writes to, checked before it starts."""

import logging
import os
import tempfile
from pathlib import Path

from app.errors import SettingsError

log = logging.getLogger(__name__)


def check_folders(instance: Path) -> None:
    """Check that there is a folder for temporary files, without which no worker starts. Raises SettingsError.

    Warns where `instance` cannot be written: answers do not depend on it.
    """
    wanted = os.environ.get("TMPDIR")
    try:
        found = tempfile.gettempdir()
    except OSError as error:
        raise SettingsError(
            "There is no folder for temporary files. Set TMPDIR to a folder that can be written."
        ) from error
    if wanted and Path(wanted).absolute() != Path(found):
        raise SettingsError(f"TMPDIR must be a folder that can be written, which {wanted!r} is not.")
    try:
        instance.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=instance).close()
    except OSError as error:
        log.warning("INSTANCE cannot be written, so nothing is kept there: %s", error)
