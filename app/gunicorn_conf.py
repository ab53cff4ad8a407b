"""How gunicorn serves the site: `gunicorn --config python:app.gunicorn_conf wsgi`."""

import os
import threading
from typing import Any

from app.errors import ModelNotReady

_host = os.environ.get("HOST", "127.0.0.1")
_port = os.environ.get("PORT", "8000")

bind = f"{_host}:{_port}"
worker_class = "gthread"
threads = 16
graceful_timeout = 30
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Load the network as soon as the worker has forked, and say when the site can be used."""
    service = worker.app.wsgi().extensions["model_service"]
    service.start()
    threading.Thread(target=_announce, args=(service,), daemon=True).start()


def _announce(service: Any) -> None:
    try:
        service.wait()
        print(f"Ready: http://{bind}", flush=True)
    except ModelNotReady as error:
        print(f"The site is up at http://{bind} but cannot classify. {error}", flush=True)
