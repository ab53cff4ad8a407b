"""What deletes expired sessions and histories, outside of every request."""

import logging
import threading
import time
from typing import Any

from flask import Flask

from app.errors import HistoryUnavailable
from app.web.sessions import SessionsUnavailable

SWEEP_SECONDS = 300.0  # so long may a deleted answer stay on the disk after its time to undo is over

log = logging.getLogger(__name__)


def begin_sweeping(app: Flask) -> None:
    """Sweep every `SWEEP_SECONDS` for as long as the process lives, in a thread of its own."""
    threading.Thread(target=_sweep_forever, args=(app,), name="sweep", daemon=True).start()


def sweep(app: Flask) -> None:
    """Delete what has expired of everybody; a store that cannot be reached waits for the next time."""
    stores: tuple[Any, ...] = (app.session_interface, app.extensions["site"].history)
    for store in stores:
        try:
            store.sweep()
        except (SessionsUnavailable, HistoryUnavailable) as error:
            log.warning("not swept: %r", error)


def _sweep_forever(app: Flask) -> None:
    while True:
        time.sleep(SWEEP_SECONDS)
        sweep(app)
