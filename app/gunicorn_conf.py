"""How gunicorn serves the site: `gunicorn --config python:app.gunicorn_conf wsgi`."""

import errno
import os
import socket
import sys
import threading
from typing import Any

from app.errors import ModelNotReady, SettingsError
from app.settings import read_secret_key, read_settings

try:
    _settings = read_settings(os.environ)
except SettingsError as error:
    sys.exit(str(error))

bind = _settings.address
workers = _settings.web_concurrency
worker_class = "gthread"
threads = 16
graceful_timeout = 30
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """End with one sentence where gunicorn would print a trace, or try a taken port for five seconds."""
    try:
        read_secret_key(_settings)
    except SettingsError as error:
        sys.exit(str(error))
    if not os.environ.keys() & {"GUNICORN_FD", "LISTEN_FDS"}:  # else another process hands the port on
        _check_port()


def post_worker_init(worker: Any) -> None:
    """Load the default network as soon as the worker has forked, and say when the site can be used."""
    service = worker.app.wsgi().extensions["models"].service()
    service.start()
    threading.Thread(target=_announce, args=(service,), daemon=True).start()


def _announce(service: Any) -> None:
    try:
        service.wait()
        print(f"Ready: http://{bind}", flush=True)
    except ModelNotReady as error:
        print(f"The site is up at http://{bind} but cannot classify. {error}", flush=True)


def _check_port() -> None:
    family = socket.AF_INET6 if ":" in _settings.host else socket.AF_INET
    try:
        socket.create_server((_settings.host, _settings.port), family=family).close()
    except (OSError, UnicodeError) as error:  # UnicodeError: no name of a host, such as a..b
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            sys.exit(f"{bind} is already in use. Stop what runs there, or set PORT to another port.")
        sys.exit(f"The site cannot listen at {bind}, which HOST and PORT name: {error}.")
