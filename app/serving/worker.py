"""A worker process: the site behind its front, and what goes on beside it."""

import gc
import os
import signal
import threading
from multiprocessing import parent_process
from typing import Any

from flask import Flask

from app.errors import ModelNotReady
from app.settings import Settings, read_settings
from app.web.metric_files import share_numbers

METRICS = "metrics"  # the folder in INSTANCE


def make_front() -> Any:
    """Begin what goes on in a worker, and return what answers its requests."""
    settings = read_settings(os.environ)
    share_numbers(settings.instance / METRICS)
    from app import create_app  # which counts
    from app.serving.front import Front
    from app.web.sweeping import begin_sweeping

    app = create_app(settings)
    begin_sweeping(app)
    for work in (_end_with_parent, _announce):
        threading.Thread(target=work, args=(app, settings), daemon=True).start()
    return Front(app)


def _end_with_parent(_app: Flask, _settings: Settings) -> None:
    parent = parent_process()
    assert parent
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _announce(app: Flask, settings: Settings) -> None:
    """Load the default network, and say when it is ready."""
    try:
        service = app.extensions["site"].models.service()
        service.start()
        service.wait()
        gc.freeze()  # what is there now stays, and looking through it held up an answer by 0.1 s now and then
        print(f"Ready: http://{settings.address}", flush=True)
    except ModelNotReady as error:
        print(f"The site is up at http://{settings.address} but cannot classify. {error}", flush=True)
