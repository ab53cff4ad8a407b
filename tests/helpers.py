"""What several tests do."""

import io
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest
import requests
from flask.testing import FlaskClient
from PIL import Image
from redis import ConnectionError as RedisConnectionError
from redis import Redis
from werkzeug.test import TestResponse

from app.settings import Settings
from app.web import metrics

WAIT_SECONDS = 60  # after which a test that waits for what should come fails
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
PORTS = range(20_000 + WORKER % 12 * 1000, 21_000 + WORKER % 12 * 1000)  # below those that Linux gives away
_ports = iter(random.sample(PORTS, len(PORTS)))  # two test runs at once hardly try the same


def jpeg(photo: Image.Image, quality: int = 75) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def csrf_token(client: FlaskClient) -> str:
    """Read the token that the visitor's forms carry."""
    page = client.get("/classify/").get_data(as_text=True)
    match = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert match
    return match[1]


def cookie_name(client: FlaskClient) -> str:
    """Return the name of the site's session cookie."""
    return str(client.application.config["SESSION_COOKIE_NAME"])


def upload(client: FlaskClient, *photos: bytes, names: Sequence[str] = (), **fields: str) -> TestResponse:
    """Send photos by the form, as files of these names, with what else it has been filled with."""
    names = names or [f"{number}.jpg" for number in range(len(photos))]
    files = [(io.BytesIO(photo), name) for photo, name in zip(photos, names, strict=True)]
    return client.post("/classify/", data={"csrf_token": csrf_token(client), "image": files, **fields})


def count_rows(client: FlaskClient, path: str = "/classify/history") -> int:
    """Count the rows of the history that a page of it shows, or else the first."""
    return client.get(path).text.count('class="thumbnail"')


def session_records(settings: Settings) -> list[str]:
    """Read what is stored of all sessions."""
    path = settings.instance / "sessions.sqlite3"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        return [record for (record,) in connection.execute("SELECT record FROM session ORDER BY number")]


def counted(name: str, **labels: str) -> float:
    """Read a number that this process has counted."""
    return metrics.registry.get_sample_value(name, labels) or 0.0


def free_port() -> int:
    """Give a port that nobody listens at, and that no other process of the test run gets."""
    for port in _ports:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("all ports are taken")


def program(name: str) -> str:
    """Return where a program is; without it the test is skipped, but CI must have it."""
    if found := shutil.which(name):
        return found
    reason = f"the program {name} is not installed"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def listen_everywhere() -> socket.socket:
    """Listen at one port of all addresses of this machine, by IPv4 and, where there is one, IPv6."""
    if socket.has_dualstack_ipv6():
        listener = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    else:
        listener = socket.create_server(("", 0))
    listener.settimeout(0)
    return listener


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_the_other_network(url: str) -> None:
    """Wait until the network that does not answer by default is loaded at the site under `url`."""
    models = requests.get(f"{url}/api/v1/models", timeout=WAIT_SECONDS).json()["models"]
    other = {"model": next(model["model"] for model in models if not model["default"])}
    white = jpeg(Image.new("RGB", (9, 9), "white"))

    def is_ready() -> bool:
        address, photo = f"{url}/api/v1/predictions", {"image": ("white.jpg", white)}
        return requests.post(address, files=photo, data=other, timeout=WAIT_SECONDS).ok

    wait_until(is_ready)


def wait_until_it_answers(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    with Redis(port=port) as client:
        while True:
            try:
                client.ping()
            except RedisConnectionError:
                assert server.poll() is None, "redis-server ended at once; see redis.log"
                assert time.monotonic() < deadline, "redis-server did not answer in time"
            else:
                return
