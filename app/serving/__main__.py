"""Start the site and keep its worker processes alive: `python -m app.serving`."""

import errno
import logging
import logging.config
import multiprocessing
import os
import resource
import socket
import sys
from contextlib import suppress

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from app.errors import SettingsError
from app.serving.folders import check_folders
from app.settings import Settings, read_secret_key, read_settings
from app.web import logs, metric_files

CONNECTIONS, FILES_EACH = 2000, 4  # open in a process; files for a body and an answer, and all others
HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 20  # for the head of a request, and for the next one to begin
STOP_SECONDS = 30  # for the answers in flight
MEMORY = {  # of glibc: give back large buffers, and share among threads what is kept
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(8 * 1024 * 1024),  # with less it takes and returns what every photo needs
}


def main() -> None:
    """Check the settings, then serve until a signal ends it."""
    logging.config.dictConfig(logs.CONFIG)
    try:
        settings = read_settings(os.environ)
        key = read_secret_key(settings)
        check_folders(settings.instance)
    except SettingsError as error:
        sys.exit(str(error))
    metric_files.clear(settings.instance)
    os.environ.update({**MEMORY, **os.environ, "SECRET_KEY": key})
    multiprocessing.set_start_method("spawn")  # so that workers read the variables above when they start
    if settings.redis_url and not settings.secret_key:
        logging.warning("REDIS_URL without SECRET_KEY: machines that share it refuse each other's forms")
    address, connections = _find_address(settings), _raise_limit()
    while not _serve(settings, address, connections):
        logging.error("a worker ended twice within seconds: the site starts again")


def _serve(settings: Settings, address: str, connections: int) -> bool:
    """Serve until a signal ends it, or Granian, because a worker ended twice within 5.5 s; return which."""
    server = Granian(
        "app.serving.worker:make_front",
        address=address,
        port=settings.port,
        interface=Interfaces.ASGINL,
        factory=True,
        workers=settings.web_concurrency,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000, max_buffer_size=HEAD_BYTES),
        websockets=False,
        backpressure=connections,
        log_dictconfig=logs.CONFIG,
    )
    with suppress(SystemExit):
        server.serve()
    return server.interrupt_signal


def _find_address(settings: Settings) -> str:
    """Return the address that HOST names. Exits with a sentence if the site cannot listen there."""
    at, port = settings.address, settings.port
    try:
        [(family, _, _, _, name), *_] = socket.getaddrinfo(settings.host, port, type=socket.SOCK_STREAM)
        socket.create_server(name[:2], family=family).close()
    except (OSError, UnicodeError) as error:  # UnicodeError: no name of a host, such as a..b
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            sys.exit(f"{at} is already in use. Stop what runs there, or set PORT to another port.")
        sys.exit(f"The site cannot listen at {at}, which HOST and PORT name: {error}.")
    return str(name[0])


def _raise_limit() -> int:
    """Allow as many open files as the machine does; return how many connections they suffice for."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return CONNECTIONS if most == resource.RLIM_INFINITY else min(CONNECTIONS, most // FILES_EACH)


if __name__ == "__main__":
    main()
