"""`make run`: it says where the site is, and leaves nothing behind."""

import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from live_site import STOP_SECONDS, LiveSite

MAKE_RUN = ("make", "--no-print-directory", "run")
REFUSE_SECONDS = 60

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="the program make is not installed")


def processes_of(session: int) -> list[int]:
    """List the living processes of a session, whatever has become of their parents."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _parent, _group, of, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(of) == session and state != "Z":
            found.append(int(folder.name))
    return found


def port_of(site: LiveSite) -> int:
    port = urlsplit(site.url).port
    assert port
    return port


def test_make_run_prints_the_address_at_which_the_site_answers(tmp_path: Path) -> None:
    with LiveSite(tmp_path / "instance", MAKE_RUN) as site:
        assert f"Ready: {site.url}" in site.log().splitlines()
        assert requests.get(site.url, timeout=10).ok


@pytest.mark.parametrize("end", [
    pytest.param(lambda make: os.kill(make, signal.SIGTERM), id="TERM to make"),
    pytest.param(lambda make: os.killpg(make, signal.SIGINT), id="ctrl-C in the terminal"),
])  # fmt: skip
def test_when_make_run_ends_nothing_it_started_is_left(tmp_path: Path, end: Callable[[int], None]) -> None:
    with LiveSite(tmp_path / "instance", MAKE_RUN) as site:
        assert len(processes_of(site.process.pid)) >= 3  # make, gunicorn, its worker
        end(site.process.pid)
        site.process.wait(STOP_SECONDS)
        assert processes_of(site.process.pid) == []
        socket.create_server(("127.0.0.1", port_of(site))).close()


def test_a_busy_port_ends_make_run_with_a_sentence_that_names_it(tmp_path: Path) -> None:
    site = LiveSite(tmp_path / "instance", MAKE_RUN)
    with socket.create_server(("127.0.0.1", port_of(site))):
        site.launch()
        assert site.process.wait(REFUSE_SECONDS) != 0
    assert f"127.0.0.1:{port_of(site)} is already in use." in site.log()


def test_a_setting_that_cannot_be_used_ends_make_run_with_its_sentence_and_no_trace(tmp_path: Path) -> None:
    site = LiveSite(tmp_path / "instance", MAKE_RUN, REDIS_URL="localhost")
    site.launch()
    assert site.process.wait(REFUSE_SECONDS) != 0
    assert "REDIS_URL must start with" in site.log()
    assert "Traceback" not in site.log()
