"""Send legal and illegal requests, whole and in pieces, to the running site: the second part of `make fuzz`.

Every legal request must get its own answer, known by its id, in order, whatever follows it on its connection.
"""

import os
import socket
import tempfile
import time
from collections import Counter
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from live_site import LiveSite

API = "/api/v1/predictions"
BATCH = 200
TIMEOUT_SECONDS = 60
NO_PHOTO = 400
EXPECTED = {
    "nothing there": 404, "health": 200, "head": 200, "length": NO_PHOTO, "chunks": NO_PHOTO,
    "expect": NO_PHOTO, "another method": 405, "no host": 400,
}  # fmt: skip
ILLEGAL = (
    b"GET http://[ HTTP/1.1\r\nHost: site\r\n\r\n",
    b"GET / HTTP/3.0\r\nHost: site\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: site\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: site\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: site\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST /classify/ HTTP/1.1\r\nHost: site\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    b"POST /classify/ HTTP/1.1\r\nHost: site\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"GET / HTTP/1.1\r\nHost: site\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: site\r\nA\0: b\r\n\r\n",
)
REQUESTS = st.lists(st.tuples(st.sampled_from(sorted(EXPECTED)), st.binary(max_size=300)), max_size=12)


def write_request(kind: str, name: str, body: bytes) -> bytes:
    """Write a legal request, or one that the site itself must refuse."""
    head = f"Host: site\r\nX-Request-ID: {name}\r\n"
    post = f"POST {API} HTTP/1.1\r\n{head}"
    length = f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    match kind:
        case "health":
            return f"GET /livez HTTP/1.1\r\n{head}\r\n".encode()
        case "head":
            return f"HEAD / HTTP/1.1\r\n{head}\r\n".encode()
        case "length":
            return post.encode() + length
        case "expect":
            return f"{post}Expect: 100-continue\r\n".encode() + length
        case "chunks":
            parts = (body[start : start + 7] for start in range(0, len(body), 7))
            chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in parts)
            return f"{post}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\nA: trailer\r\n\r\n"
        case "another method":
            return f"POST / HTTP/1.1\r\n{head}".encode() + length
        case "no host":
            return f"GET / HTTP/1.1\r\nX-Request-ID: {name}\r\n\r\n".encode()
    return f"GET /nowhere HTTP/1.1\r\n{head}\r\n".encode()


class Fuzzer:
    """Sends requests over connections to a site, and counts the answers."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._address = address.hostname, address.port
        self.answers: Counter[int] = Counter()
        self._number = 0

    def converse(self, kinds: list[tuple[str, bytes]], cuts: list[int], rest: bytes) -> None:
        """Send requests in pieces, then `rest`. Raises AssertionError for an answer that is not theirs."""
        names = [f"fuzz-{self._number + number}" for number in range(len(kinds))]
        self._number += len(kinds)
        sent = b"".join(
            write_request(kind, name, body) for name, (kind, body) in zip(names, kinds, strict=True)
        )
        with socket.create_connection(self._address, timeout=TIMEOUT_SECONDS) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for cut in cuts:
                client.sendall(sent[:cut])
                sent = sent[cut:]
            client.sendall(sent)
            reader = client.makefile("rb")
            for name, (kind, _) in zip(names, kinds, strict=True):
                answer = read_answer(reader, "HEAD" if kind == "head" else "GET")
                assert answer is not None, f"{kind} got no answer"
                assert answer.status == EXPECTED[kind], (kind, answer.status)
                assert answer.getheader("X-Request-ID") in ({None} if kind == "health" else {name}), kind
                self.answers[answer.status] += 1
            if rest:
                client.sendall(rest)
            client.shutdown(socket.SHUT_WR)
            last = read_answer(reader, "GET")
            assert last is None or 400 <= last.status < 500, (rest, last.status)
            if last:
                self.answers[last.status] += 1


def read_answer(reader: IO[bytes], method: str) -> HTTPResponse | None:
    """Read an answer, or find that the connection was closed."""
    try:
        answer = HTTPResponse(Connection(reader), method=method)  # type: ignore[arg-type]
        answer.begin()
        answer.read()
    except (HTTPException, ConnectionError):
        return None
    return answer


class Connection:
    """A connection of which http.client reads one answer and leaves the next."""

    def __init__(self, reader: IO[bytes]) -> None:
        self._reader = reader

    def makefile(self, *_: object) -> "Connection":
        return self

    def read(self, size: int = -1) -> bytes:
        return self._reader.read(size)

    def readline(self, size: int = -1) -> bytes:
        return self._reader.readline(size)

    def readinto(self, buffer: memoryview) -> int:
        return self._reader.readinto(buffer)  # type: ignore[attr-defined,no-any-return]

    def flush(self) -> None: ...

    def close(self) -> None: ...


def main() -> None:
    """Fuzz for two fifths of SECONDS, 120 unless set; end with status 1 for a finding."""
    seconds = 0.4 * float(os.environ.get("SECONDS") or 300)
    with tempfile.TemporaryDirectory() as folder, LiveSite(Path(folder) / "instance") as site:
        fuzzer = Fuzzer(site.url)
        worker = site.worker()
        end = time.monotonic() + seconds

        @settings(
            max_examples=BATCH,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(
            REQUESTS,
            st.lists(st.integers(1, 2000), max_size=8),
            st.one_of(st.just(b""), st.sampled_from(ILLEGAL), st.binary(max_size=200)),
        )
        def converse(kinds: list[tuple[str, bytes]], cuts: list[int], rest: bytes) -> None:
            if time.monotonic() < end:
                fuzzer.converse(kinds, cuts, rest)

        while time.monotonic() < end:
            converse()
        assert site.worker() == worker
        assert "Traceback" not in site.log()
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(fuzzer.answers.items()))
    print(f"{fuzzer.answers.total():,} answers, each to its own request: {answers}.")


if __name__ == "__main__":
    main()
