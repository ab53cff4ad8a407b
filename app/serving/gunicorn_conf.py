"""How gunicorn serves the site: `gunicorn --config python:app.serving.gunicorn_conf wsgi`."""

import ctypes
import errno
import gc
import logging
import os
import platform
import shutil
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from app.errors import ModelNotReady, SettingsError
from app.recognition.gate import PLACES
from app.settings import read_secret_key, read_settings
from app.web import logs

SPARE_THREADS = 16  # for pages and refusals, when every place is taken

try:
    _settings = read_settings(os.environ)
except SettingsError as error:
    sys.exit(str(error))

bind = _settings.address
workers = _settings.web_concurrency
worker_class = "app.serving.worker.WaitressWorker"
threads = PLACES + SPARE_THREADS
graceful_timeout = 30
control_socket_disable = True
logconfig_dict = logs.CONFIG

METRICS = _settings.instance / "metrics"
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
GAUGE = "gauge_livesum"  # how prometheus-client calls the file of the one kind of gauge that the site has
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # as in malloc.h of glibc
METRICS_BYTES = 256 * 1024  # in each file; 10,000 predictions fill 6 kB of the fullest


def on_starting(_server: Any) -> None:
    """End with one sentence where gunicorn would print a trace, or try a taken port for five seconds."""
    try:
        key = read_secret_key(_settings)
    except SettingsError as error:
        sys.exit(str(error))
    if _settings.redis_url and not _settings.secret_key:
        logging.warning("REDIS_URL without SECRET_KEY: machines that share it refuse each other's forms")
    if fault := _find_fault_of_folders():
        sys.exit(fault)
    os.environ["SECRET_KEY"] = key  # for workers that start after somebody has removed the instance folder
    shutil.rmtree(METRICS, ignore_errors=True)  # numbers start at 0 with the site
    if not os.environ.keys() & {"GUNICORN_FD", "LISTEN_FDS"}:  # else another process hands the port on
        _check_port()


def _find_fault_of_folders() -> str:
    """Say what is wrong with the folder for temporary files, without which no worker starts; "" if nothing.

    Warn where the instance folder cannot be written: answers do not depend on it.
    """
    wanted = os.environ.get("TMPDIR")
    try:
        found = tempfile.gettempdir()
    except OSError:
        return "There is no folder for temporary files. Set TMPDIR to a folder that can be written."
    if wanted and Path(wanted).absolute() != Path(found):
        return f"TMPDIR must be a folder that can be written, which {wanted!r} is not."
    try:
        _settings.instance.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=_settings.instance).close()
    except OSError as error:
        logging.warning("INSTANCE cannot be written, so nothing is kept there: %s", error)
    return ""


def post_fork(_server: Any, worker: Any) -> None:
    """Prepare a worker before the site is imported: its memory, and its numbers among those of the others."""
    _keep_little_memory()
    try:
        _reserve_metrics(worker.pid)
        os.environ[METRICS_VARIABLE] = str(METRICS)
    except OSError as error:
        logging.warning("/metrics tells of one worker alone: %s", error)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget how many requests a worker had in hand when it ended."""
    # Not by prometheus-client: whoever imports it without its variable, as here in the master, counts
    # in memory alone from then on, and so would every worker that is forked later.
    (METRICS / f"{GAUGE}_{worker.pid}.db").unlink(missing_ok=True)


def post_worker_init(worker: Any) -> None:
    """Begin what goes on in a worker: load the default network, say when it is ready, sweep now and then."""
    from app.serving.sweeping import begin_sweeping  # not before the fork, as it imports what counts

    app = worker.app.wsgi()
    begin_sweeping(app)
    service = app.extensions["site"].models.service()
    service.start()
    threading.Thread(target=_announce, args=(service,), daemon=True).start()


def _announce(service: Any) -> None:
    try:
        service.wait()
        gc.freeze()  # what is there now stays, and looking through it held up an answer by 0.1 s now and then
        print(f"Ready: http://{bind}", flush=True)
    except ModelNotReady as error:
        print(f"The site is up at http://{bind} but cannot classify. {error}", flush=True)


def _keep_little_memory() -> None:
    """Have glibc give back the memory of large buffers, and share among threads what it keeps.

    By itself it keeps freed memory in up to eight arenas for each core, and buffers of up to 32 MB in them.
    """
    if platform.libc_ver()[0] == "glibc":  # no other C library has these settings
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 2)
        mallopt(M_MMAP_THRESHOLD, 1024 * 1024)
        mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024)  # with less it takes back and forth what every photo needs


def _reserve_metrics(pid: int) -> None:
    """Make the files into which prometheus-client maps its numbers, with all their blocks.

    Its own are sparse: on a full disk the first number that needs a new block would kill the worker.
    Raises OSError.
    """
    METRICS.mkdir(parents=True, exist_ok=True)
    for kind in ("counter", "histogram", GAUGE):
        with (METRICS / f"{kind}_{pid}.db").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, METRICS_BYTES)


def _check_port() -> None:
    family = socket.AF_INET6 if ":" in _settings.host else socket.AF_INET
    try:
        socket.create_server((_settings.host, _settings.port), family=family).close()
    except (OSError, UnicodeError) as error:  # UnicodeError: no name of a host, such as a..b
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            sys.exit(f"{bind} is already in use. Stop what runs there, or set PORT to another port.")
        sys.exit(f"The site cannot listen at {bind}, which HOST and PORT name: {error}.")
