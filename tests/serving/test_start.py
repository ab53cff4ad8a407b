"""What a start prepares for its workers; what it refuses is in tests/live/test_make_run.py."""

import os
import resource
import subprocess
import sys

import pytest

from app.serving import __main__ as start
from app.settings import ROOT

COUNT_ARENAS = """
import ctypes, threading

together = threading.Barrier(9)

def work():
    kept = bytes(2000)  # too large for Python's own allocator
    together.wait()

for _ in range(8):
    threading.Thread(target=work).start()
together.wait()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def count_arenas(variables: dict[str, str]) -> int:
    command, environment = [sys.executable, "-c", COUNT_ARENAS], {**os.environ, **variables}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return ended.stdout.count("<heap ")


def test_the_threads_of_a_worker_share_two_arenas() -> None:
    assert count_arenas({}) > 2
    assert count_arenas(start.MEMORY) <= 2


@pytest.mark.parametrize(("files", "connections"), [
    (1024, 1024 // start.FILES_EACH),
    (1_000_000, start.CONNECTIONS),
    (resource.RLIM_INFINITY, start.CONNECTIONS),
])  # fmt: skip
def test_there_are_no_more_connections_than_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, files: int, connections: int
) -> None:
    raised = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, files))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert start._raise_limit() == connections
    assert raised == [(files, files)]
