"""The worker accepts who waits, and keeps no more threads than it needs, nor memory or places given back."""

import ctypes
import platform
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest
from helpers import WAIT_SECONDS, wait_until

from app.serving import gunicorn_conf
from app.serving.worker import ACCEPTED_AT_ONCE, Dispatcher, Request, Server
from app.settings import ROOT

MOST = 8
COUNT_ARENAS = """
import ctypes, sys, threading
from app.serving import gunicorn_conf

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


class OnePlace:
    """A door with room for one request."""

    is_open = True

    def concerns(self, _method: str, _path: str) -> bool:
        return True

    def enter(self) -> None:
        self.is_open = False

    def leave(self) -> None:
        self.is_open = True

    def refuse(self, _method: str, _path: str, _fields: dict[str, str]) -> bytes:
        return b"HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n"


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


def test_a_place_is_free_before_its_answer_is_sent(
    may_end: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Request.close

    def close_late(request: Request) -> None:
        assert may_end.wait(WAIT_SECONDS)
        close(request)

    monkeypatch.setattr(Request, "close", close_late)
    with serving(OnePlace()) as port:
        statuses = [ask(port) for _ in range(2)]
        may_end.set()
    assert statuses == [200, 200]


@pytest.mark.parametrize("length", [None, 0, 2**31], ids=["none", "empty", "too large"])
def test_a_client_that_asks_to_send_an_unexpected_body_gets_an_answer_and_takes_no_place(
    length: int | None,
) -> None:
    door = OnePlace()
    with serving(door) as port:
        for _ in range(2):  # the second would find a place taken for good
            assert expect_leave(port, length) == ["HTTP/1.1", "200"]
        assert door.is_open


@pytest.mark.parametrize("at_once", [1, 3])
def test_all_waiting_connections_are_accepted_in_one_round(at_once: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(nothing, listener, OnePlace(), at_once, dispatcher=Dispatcher(MOST))
        with ExitStack() as clients:
            for _ in range(5):
                clients.enter_context(socket.create_connection(listener.getsockname()))
            server.asyncore.loop(WAIT_SECONDS, use_poll=True, map=server._map, count=1)
            assert len(server.active_channels) == at_once
        server.asyncore.close_all(server._map)


def test_threads_share_two_arenas() -> None:
    assert count_arenas("as it comes") > 2
    assert count_arenas("spare") <= 2


def test_the_memory_settings_are_only_for_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.delattr(ctypes, "CDLL")
    gunicorn_conf._keep_little_memory()


@contextmanager
def serving(door: OnePlace) -> Iterator[int]:
    """Serve an empty answer to all who pass the door, at the port that is given."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dispatcher = Dispatcher(MOST)
        server = Server(nothing, listener, door, ACCEPTED_AT_ONCE, dispatcher=dispatcher)

        def loop() -> None:
            while not stopped.is_set():
                server.asyncore.loop(0.05, use_poll=True, map=server._map, count=1)

        thread = threading.Thread(target=loop)
        thread.start()
        yield listener.getsockname()[1]
        stopped.set()
        thread.join()
        dispatcher.shutdown()
        server.asyncore.close_all(server._map)


def nothing(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]


def ask(port: int) -> int:
    """Return the status of an answer as soon as it is there."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().status


def expect_leave(port: int, length: int | None) -> list[str]:
    """Ask before sending a body of `length` bytes; return the version and status of the first answer."""
    head = "POST / HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\n"
    if length is not None:
        head += f"Content-Length: {length}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as client:
        client.sendall(head.encode() + b"\r\n")
        return client.recv(4096).decode().split()[:2]


def count_arenas(how: str) -> int:
    command = [sys.executable, "-c", COUNT_ARENAS, how]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return ended.stdout.count("<heap ")
