"""What goes on in a process beside its requests: loading the network, and deleting what has expired."""

import gc
import logging
import threading
import time
from typing import Any

from flask import Flask

from app.errors import ClassifiersUnavailable, HistoryUnavailable, ModelNotReady
from app.web.sessions import SessionsUnavailable

SWEEP_SECONDS = 300.0  # so long may a deleted answer stay on the disk after its time to undo is over

log = logging.getLogger(__name__)


def begin(app: Flask) -> None:
    """Begin both, each in a thread of its own that ends with the process."""
    for work in (load, sweep_forever):
        threading.Thread(target=work, args=(app,), name=work.__name__, daemon=True).start()


def load(app: Flask) -> None:
    """Load the default network, and say at what address the site is ready, or what is wrong."""
    site = app.extensions["site"]
    try:
        service = site.models.service()
        service.start()
        service.wait()
        gc.freeze()  # what is there now stays, and looking through it held up an answer by 0.1 s now and then
        print(f"Ready: http://{site.settings.address}", flush=True)
    except ModelNotReady as error:
        print(f"The site is up at http://{site.settings.address} but cannot classify. {error}", flush=True)


def sweep(app: Flask) -> None:
    """Delete what has expired of everybody; a store that cannot be reached waits for the next time."""
    site = app.extensions["site"]
    stores: tuple[Any, ...] = (app.session_interface, site.history, site.classifiers)
    for store in stores:
        try:
            store.sweep()
        except (SessionsUnavailable, HistoryUnavailable, ClassifiersUnavailable) as error:
            log.warning("not swept: %r", error)


def sweep_forever(app: Flask) -> None:
    """Sweep every `SWEEP_SECONDS`."""
    while True:
        time.sleep(SWEEP_SECONDS)
        sweep(app)
