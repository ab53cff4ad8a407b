"""Clients that stall, drip, never read or break the protocol: the site goes on answering everybody else."""

import re
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from helpers import wait_until
from live_site import SITE, LiveSite

from app.recognition.gate import PLACES
from app.serving.front import BODIES, MANY_PIECES, SPARE_THREADS
from app.web.headers import HEADERS

API = "/api/v1/predictions"
LARGE_FILE = "/source/raw/app/web/translations/fr/LC_MESSAGES/messages.po"
HEAD = b"GET /livez HTTP/1.1\r\nHost: site\r\n"
CHUNKED = f"POST {API} HTTP/1.1\r\nHost: site\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
TIMEOUT_SECONDS = 60
MEGABYTES = 60  # by which no attack here may raise the memory


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, small_weights: Path, coffee: bytes) -> Iterator[LiveSite]:
    folder = tmp_path_factory.mktemp("clients")
    with LiveSite(folder / "instance", WEIGHTS=str(small_weights)) as site:
        assert_answers(site, coffee)
        yield site


@pytest.fixture(autouse=True)
def unharmed(site: LiveSite, coffee: bytes) -> Iterator[None]:
    """Afterwards the same worker answers, without a trace in its log and with hardly more memory."""
    worker = site.worker()
    (Path("/proc") / str(worker) / "clear_refs").write_text("5")  # resets the peak, VmHWM
    before = memory(worker, "VmRSS")
    yield
    assert_answers(site, coffee)
    assert site.worker() == worker
    assert memory(worker, "VmHWM") - before < MEGABYTES
    assert "Traceback" not in site.log()


def memory(pid: int, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def assert_answers(site: LiveSite, photo: bytes) -> None:
    """Assert that health, pages and photos are answered."""
    for path in ("/livez", "/classify/"):
        assert requests.get(site.url + path, timeout=TIMEOUT_SECONDS).ok
    assert requests.post(site.url + API, files={"image": photo}, timeout=TIMEOUT_SECONDS).ok


def connect(site: LiveSite) -> socket.socket:
    address = urlsplit(site.url)
    return socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_SECONDS)


def send(site: LiveSite, data: bytes) -> bytes:
    """Send bytes, and return all that comes until the site closes the connection."""
    with connect(site) as client:
        with suppress(ConnectionError):  # it may close before it has read all of them
            client.sendall(data)
        received = b""
        with suppress(ConnectionError):
            while piece := client.recv(1 << 16):
                received += piece
    return received


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def test_clients_that_ask_for_much_and_never_read_hold_no_thread(site: LiveSite, coffee: bytes) -> None:
    request = f"GET {LARGE_FILE} HTTP/1.1\r\nHost: site\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(PLACES + SPARE_THREADS + 5):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((urlsplit(site.url).hostname, urlsplit(site.url).port))
            client.sendall(request * 100)
        assert_answers(site, coffee)


@pytest.mark.parametrize("start", [
    pytest.param(CHUNKED, id="where photos are expected"),
    pytest.param(CHUNKED.replace(API.encode(), b"/livez"), id="where nothing is expected"),
])  # fmt: skip
def test_a_body_in_pieces_of_a_byte_is_refused(site: LiveSite, start: bytes) -> None:
    assert statuses(send(site, start + 10 * MANY_PIECES * b"1\r\na\r\n"))[0] in {400, 405}


@pytest.mark.parametrize("sent", [
    pytest.param(b"1;" + b"a" * 1_000_000, id="a chunk-size line"),
    pytest.param(b"0\r\nA: " + b"a" * 1_000_000, id="a trailer"),
    pytest.param(b"0\r\n" + b"A: a\r\n" * 200_000, id="trailers"),
])  # fmt: skip
def test_what_never_ends_between_chunks_is_refused(site: LiveSite, sent: bytes) -> None:
    assert statuses(send(site, CHUNKED + sent)) == [400]


def test_of_more_bodies_than_there_is_room_for_the_slowest_give_way(
    tmp_path: Path, small_weights: Path, coffee: bytes
) -> None:
    command = ("sh", "-c", 'ulimit -n 1024; exec "$0" "$@"', *SITE)
    head = f"POST {API} HTTP/1.1\r\nHost: site\r\nContent-Length: 9000000\r\n\r\n".encode()
    with ExitStack() as stack:
        site = stack.enter_context(LiveSite(tmp_path / "instance", command, WEIGHTS=str(small_weights)))
        stalled = [stack.enter_context(connect(site)) for _ in range(3 * BODIES)]
        for client in stalled:
            with suppress(ConnectionError):  # of one that has given way
                client.sendall(head + bytes(200_000))
        assert_answers(site, coffee)
        wait_until(lambda: site.log().count('"status":408') > 2 * BODIES)


def test_a_thousand_clients_that_drip_heads_hold_up_nobody(site: LiveSite, coffee: bytes) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(site)) for _ in range(1010)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: site\r\nX-1: a\r\n")
        assert_answers(site, coffee)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_pipelined_requests_are_each_answered_in_order(site: LiveSite) -> None:
    post = f"POST {API} HTTP/1.1\r\nHost: site\r\nContent-Length: 1\r\nExpect: 100-continue\r\n"
    requests_ = "".join(
        f"{post}X-Request-ID: id-{number}\r\n\r\na" if number % 2 else
        f"GET /nowhere HTTP/1.1\r\nHost: site\r\nX-Request-ID: id-{number}\r\n\r\n"
        for number in range(100)
    )  # fmt: skip
    received = send(site, requests_.encode() + HEAD + b"Connection: close\r\n\r\n")
    assert [status for status in statuses(received) if status != 100] == [404, 400] * 50 + [200]
    assert re.findall(rb"x-request-id: id-(\d+)", received) == [b"%d" % number for number in range(100)]


@pytest.mark.parametrize("head", [
    b"GET http://[ HTTP/1.1\r\nHost: site\r\n\r\n",
    b"POST /classify/ HTTP/1.1\r\nHost: site\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    b"POST /classify/ HTTP/1.1\r\nHost: site\r\nContent-Length: +5\r\n\r\n",
    b"POST /classify/ HTTP/1.1\r\nHost: site\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\naa",
    b"POST /classify/ HTTP/1.1\r\nHost: site\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST /classify/ HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : site\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: site\r\nA: b\r\n c: d\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: site\r\n" + b"A: b\r\n" * 500 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: site\r\nA: " + b"a" * 1_000_000 + b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
])  # fmt: skip
def test_a_head_that_is_no_http_is_refused_and_nothing_behind_it_is_a_request(
    site: LiveSite, head: bytes
) -> None:
    assert statuses(send(site, head + HEAD + b"\r\n")) in ([400], [431])


@pytest.mark.parametrize("lengths", [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
])  # fmt: skip
def test_a_request_with_two_lengths_is_the_last_of_its_connection(site: LiveSite, lengths: bytes) -> None:
    start = f"POST {API} HTTP/1.1\r\nHost: site\r\n".encode()
    assert statuses(send(site, start + lengths + b"\r\n0\r\n\r\n" + HEAD + b"\r\n")) == [400]


@pytest.mark.parametrize("fields", [
    pytest.param(b"", id="no host"),
    pytest.param(b"Host: a\r\nHost: b\r\n", id="two hosts"),
    pytest.param(b"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", id="an unknown coding"),
])  # fmt: skip
def test_a_head_that_the_site_itself_refuses_is_answered_with_a_page_and_all_headers(
    site: LiveSite, fields: bytes
) -> None:
    received = send(site, b"GET / HTTP/1.1\r\nConnection: close\r\n" + fields + b"\r\n")
    assert statuses(received) == [400]
    assert b"</html>" in received
    for name, value in HEADERS.items():
        assert f"{name.lower()}: {value}\r\n".encode() in received


def test_a_field_with_an_underscore_is_not_taken_for_one_with_a_hyphen(site: LiveSite) -> None:
    received = send(site, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX_Request_ID: forged\r\n\r\n")
    assert b"forged" not in received


def test_who_sends_too_much_and_reads_only_then_gets_the_refusal(site: LiveSite) -> None:
    head = f"POST {API} HTTP/1.1\r\nHost: site\r\nConnection: close\r\nContent-Length: 20000000\r\n\r\n"
    assert statuses(send(site, head.encode() + bytes(20_000_000))) == [413]
