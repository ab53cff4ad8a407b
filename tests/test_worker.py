"""The worker keeps no more threads than there were requests at a time, nor much of the memory they freed."""

import ctypes
import platform
import subprocess
import sys
import threading

import pytest
from helpers import WAIT_SECONDS, wait_until

from app import gunicorn_conf
from app.settings import ROOT
from app.worker import Dispatcher

MOST = 8
COUNT_ARENAS = """
import ctypes, sys, threading
from app import gunicorn_conf

if sys.argv[1] == "spare":
    gunicorn_conf._keep_little_memory()
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


class Waits:
    """A request that is answered once it may be."""

    def __init__(self, may_end: threading.Event) -> None:
        self._may_end = may_end

    def service(self) -> None:
        assert self._may_end.wait(WAIT_SECONDS)


@pytest.fixture
def may_end() -> threading.Event:
    return threading.Event()


def test_requests_one_after_the_other_share_a_thread(may_end: threading.Event) -> None:
    dispatcher = Dispatcher(MOST)
    may_end.set()
    for _ in range(3 * MOST):
        dispatcher.add_task(Waits(may_end))
        wait_until(lambda: dispatcher.active_count == 0 and not dispatcher.queue)
    assert len(dispatcher.threads) == 1
    dispatcher.shutdown()


def test_requests_at_the_same_time_have_a_thread_each(may_end: threading.Event) -> None:
    dispatcher = Dispatcher(MOST)
    for _ in range(3):
        dispatcher.add_task(Waits(may_end))
    wait_until(lambda: not dispatcher.queue)  # all are being answered
    assert len(dispatcher.threads) == 3
    may_end.set()
    dispatcher.shutdown()


def test_more_requests_than_threads_wait_their_turn(may_end: threading.Event) -> None:
    dispatcher = Dispatcher(MOST)
    for _ in range(3 * MOST):
        dispatcher.add_task(Waits(may_end))
    assert len(dispatcher.threads) == MOST
    may_end.set()
    wait_until(lambda: dispatcher.active_count == 0 and not dispatcher.queue)
    dispatcher.shutdown()


def test_threads_share_two_arenas() -> None:
    assert count_arenas("as it comes") > 2
    assert count_arenas("spare") <= 2


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.delattr(ctypes, "CDLL")
    gunicorn_conf._keep_little_memory()


def count_arenas(how: str) -> int:
    command = [sys.executable, "-c", COUNT_ARENAS, how]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return ended.stdout.count("<heap ")
