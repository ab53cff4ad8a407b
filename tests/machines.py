"""Two sites, as on two machines, which share a Redis behind the nginx that deploy/nginx.conf describes."""

import getpass
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from helpers import free_port, program, wait_until
from live_site import SITE, LiveSite

from app.settings import ROOT

UPSTREAM = "server 127.0.0.1:8000;"


@dataclass(frozen=True)
class Machines:
    """Sites by turns behind one address, `url`."""

    url: str
    sites: tuple[LiveSite, ...]


def write_nginx(folder: Path, port: int, addresses: list[str]) -> Path:
    """Write deploy/nginx.conf for a `port` without https, for these sites, and for anybody to run."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    servers = " ".join(f"server {address};" for address in addresses)
    for old, new in (
        ("user www-data;", f"user {getpass.getuser()};"),
        ("worker_processes auto;", "worker_processes 1;"),  # so that one process counts the turns
        ("/run/nginx.pid", f"{folder}/nginx.pid"),
        ("/var/log/nginx", str(folder)),
        ("limit_conn addresses 64;", "limit_conn addresses 640;"),  # all visitors of a test share one
        (UPSTREAM, servers),
    ):
        assert old in text
        text = text.replace(old, new)
    text = re.sub(r"    server \{\s+listen 80 .*?\n    \}\n", "", text, flags=re.DOTALL)
    text = re.sub(r"listen 443 .*?;", f"listen 127.0.0.1:{port};", text)
    text = re.sub(r"ssl_certificate.*?;", "", text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    path = folder / "nginx.conf"
    path.write_text(text.replace("http {\n", "http {\n" + temporary))
    return path


@contextmanager
def nginx(folder: Path, sites: tuple[LiveSite, ...]) -> Iterator[str]:
    """Start nginx in front of `sites`; yield its address."""
    port = free_port()
    config = write_nginx(folder, port, [urlsplit(site.url).netloc for site in sites])
    command = [program("nginx"), "-p", str(folder), "-c", str(config), "-e", "error.log"]
    with subprocess.Popen([*command, "-g", "daemon off;"]) as server:
        try:
            wait_until(lambda: _listens(server, port))
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@contextmanager
def two_machines(folder: Path, weights: Path, redis_url: str, **environment: str) -> Iterator[Machines]:
    """Start two sites with a folder each, and nginx in front of them."""
    shared = {"WEIGHTS": str(weights), "REDIS_URL": redis_url, "SECRET_KEY": "k" * 32}
    settings = shared | {"TRUSTED_PROXIES": "1"} | environment
    first, second = (LiveSite(folder / name, SITE, None, **settings) for name in ("first", "second"))
    with first, second, nginx(folder, (first, second)) as url:
        yield Machines(url, (first, second))


def _listens(server: subprocess.Popen[bytes], port: int) -> bool:
    assert server.poll() is None, "nginx ended at once"
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
