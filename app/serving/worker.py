"""A worker process: the site behind its front."""

import os
import signal
import threading
from multiprocessing import parent_process
from typing import Any

from app.settings import read_settings
from app.web.metric_files import share_numbers


def make_front() -> Any:
    """Begin what goes on in a worker, and return what answers its requests."""
    settings = read_settings(os.environ)
    share_numbers(settings.instance)
    from app import create_app  # which counts
    from app.serving.front import Front
    from app.web import background

    threading.Thread(target=_end_with_parent, daemon=True).start()
    app = create_app(settings)
    background.begin(app)
    return Front(app)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
