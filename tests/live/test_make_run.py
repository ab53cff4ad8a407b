"""`make run`: it says where the site is, and leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from helpers import WAIT_SECONDS, wait_until
from live_site import STOP_SECONDS, LiveSite

from app.settings import ROOT

MAKE_RUN = ("make", "--no-print-directory", "run")
REFUSE_SECONDS = 60


@pytest.fixture(autouse=True, scope="module")
def program() -> None:
    """Skip these tests where make is not installed; CI must have it."""
    if shutil.which("make") is None:
        reason = "the program make is not installed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


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
        wait_until(lambda: f"Ready: {site.url}" in site.log().splitlines())
        assert requests.get(site.url, timeout=WAIT_SECONDS).ok


@pytest.mark.parametrize("end", [
    pytest.param(lambda make: os.kill(make, signal.SIGTERM), id="TERM to make"),
    pytest.param(lambda make: os.killpg(make, signal.SIGINT), id="ctrl-C in the terminal"),
])  # fmt: skip
def test_when_make_run_ends_nothing_it_started_is_left(
    tmp_path: Path, small_weights: Path, end: Callable[[int], None]
) -> None:
    with LiveSite(tmp_path / "instance", MAKE_RUN, WEIGHTS=str(small_weights)) as site:
        wait_until(lambda: len(processes_of(site.process.pid)) >= 3)  # make, the site, its worker
        end(site.process.pid)
        site.process.wait(STOP_SECONDS)
        wait_until(lambda: processes_of(site.process.pid) == [])  # a helper of Python's ends a little later
        socket.create_server(("127.0.0.1", port_of(site))).close()


def test_a_worker_ends_when_the_process_that_started_it_is_killed(
    tmp_path: Path, small_weights: Path
) -> None:
    with LiveSite(tmp_path / "instance", WEIGHTS=str(small_weights)) as site:
        site.process.kill()
        wait_until(lambda: processes_of(site.process.pid) == [])


def test_a_busy_port_ends_make_run_with_a_sentence_that_names_it(tmp_path: Path) -> None:
    site = LiveSite(tmp_path / "instance", MAKE_RUN)
    with socket.create_server(("127.0.0.1", port_of(site))):
        site.launch()
        assert site.process.wait(REFUSE_SECONDS) != 0
    assert f"127.0.0.1:{port_of(site)} is already in use." in site.log()


@pytest.mark.parametrize(("name", "value"), [
    ("REDIS_URL", "localhost"),
    ("PORT", "99999"),
    ("WEB_CONCURRENCY", "two"),
    ("HOST", "192.0.2.1"),  # an address of no machine
    ("HOST", "a..b"),
])  # fmt: skip
def test_a_setting_that_cannot_be_used_ends_make_run_with_a_sentence_that_names_it_and_no_trace(
    tmp_path: Path, name: str, value: str
) -> None:
    site = LiveSite(tmp_path / "instance", MAKE_RUN, **{name: value})
    site.launch()
    assert site.process.wait(REFUSE_SECONDS) != 0
    assert name in site.log()
    assert "Traceback" not in site.log()


def test_the_site_listens_at_an_ipv6_address_with_as_many_workers_as_set(
    tmp_path: Path, small_weights: Path
) -> None:
    own = {"HOST": "::1", "WEB_CONCURRENCY": "2", "WEIGHTS": str(small_weights)}
    site = LiveSite(tmp_path / "instance", MAKE_RUN, **own)
    site.url = f"http://[::1]:{port_of(site)}"
    with site:
        wait_until(lambda: f"Ready: {site.url}" in site.log())
        wait_until(lambda: len(site.workers()) == 2)


def make_environment(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Have make build a virtual environment at `folder`/venv by the shell script `python`."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{python}\n")
    script.chmod(0o755)
    command = ["make", f"PYTHON={script}", f"VENV={folder / 'venv'}", f"{folder / 'venv' / 'bin' / 'python'}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(("version", "sentence"), [
    ((3, 10, 12), "Python 3.11 or newer is needed"),
    ((3, 14, 0), "This Python is too new"),
])  # fmt: skip
def test_a_python_without_tensorflow_ends_make_with_a_sentence(
    tmp_path: Path, version: tuple[int, ...], sentence: str
) -> None:
    pretend = f'exec "{sys.executable}" -c "import sys; sys.version_info = {version}; $2"'
    ended = make_environment(tmp_path, pretend)
    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_without_venv_ends_make_with_a_sentence_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    debians = '[ "$1" = -c ] || { mkdir -p "$3/bin"; touch "$3/bin/python"; exit 1; }'
    ended = make_environment(tmp_path, debians)
    assert ended.returncode != 0
    assert "sudo apt-get install python3-venv" in ended.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(("target", "changed", "installs"), [
    ("run", "requirements.txt", True),
    ("run", "requirements-test.txt", False),
    ("test", "requirements.txt", False),
    ("test", "requirements-test.txt", True),
])  # fmt: skip
def test_make_installs_again_what_changed_and_nothing_else(
    tmp_path: Path, target: str, changed: str, installs: bool
) -> None:
    mark = tmp_path / f"{target}.installed"
    (tmp_path / "bin").mkdir()
    for path in (mark, tmp_path / "bin" / "python"):
        path.touch()
    command = ["make", "--dry-run", f"--what-if={changed}", f"VENV={tmp_path}", str(mark)]
    planned = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (f"--require-hashes --requirement {changed}" in planned) == installs
