"""The front of a process: an ASGI application that keeps slow and hostile clients away from the threads.

The server parses HTTP. The front receives a whole request before a thread begins with it, and has the whole
answer before it sends it, so that no thread waits for a client. Refusals, too, come from Flask, which then
has nothing to read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from a2wsgi.wsgi import build_environ
from flask import Flask
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.test import run_wsgi_app

from app.errors import MachineFull, Overloaded, TooLarge, TooSlow
from app.recognition.gate import PLACES
from app.web.classifying import CLIENT_GONE
from app.web.headers import HEADERS
from app.web.uploads import REFUSAL

SPARE_THREADS = 16  # for pages and refusals, when every place is taken
BODIES = 128  # arriving at a time; beyond that the one that is furthest behind gives way
SILENCE_SECONDS = 20.0  # for a body, and a second more for each SLOWEST bytes of it; for a piece of an answer
SLOWEST = 100_000  # so that 10 MB have two minutes
MANY_PIECES, SMALL_PIECE = 1000, 64  # a body in more pieces than that must have this many bytes in each
MEMORY_BYTES = 64 * 1024  # of a body or an answer; more goes to a file without a name
DRAIN_SECONDS = 2.0  # for a client to read an answer that came before the end of its request

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Head = tuple[int, list[tuple[str, str]]]
Refusal = type[Exception] | None  # an instance would hold frames, and a connection with them
ALIVE: Head = 200, [*HEADERS.items(), ("Content-Type", "application/json")]


class Front:
    """Answers the requests of one process with a Flask application, in threads."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._routes = app.url_map.bind("")
        self._threads = ThreadPoolExecutor(PLACES + SPARE_THREADS, "request")
        self._arriving: set[asyncio.Timeout] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/livez" and scope["method"] in {"GET", "HEAD"}:
            await _send(send, ALIVE, BytesIO(b'{"status":"alive"}\n'))
            return
        fields = dict(scope["headers"])
        has_body = b"transfer-encoding" in fields or fields.get(b"content-length", b"0") != b"0"
        with SpooledTemporaryFile(MEMORY_BYTES) as body, SpooledTemporaryFile(MEMORY_BYTES) as answer:
            refusal = self._refuse(scope, fields)
            if has_body and not refusal:
                refusal = await self._receive(receive, body)
            gone = asyncio.ensure_future(receive()) if has_body and not refusal else asyncio.Future()
            environ = _make_environ(scope, body) | {REFUSAL: refusal, CLIENT_GONE: gone.done}
            run = asyncio.get_running_loop().run_in_executor
            head = await run(self._threads, self._answer, environ, answer)
            gone.cancel()
            body.close()
            is_sending = has_body and refusal not in {None, TooSlow}
            await _send(send, head, answer, receive if is_sending else None)

    def _refuse(self, scope: Message, fields: dict[bytes, bytes]) -> Refusal:
        """Return the class of the error for which a request is refused by its head."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        is_addressed = (len(hosts) == 1 and hosts[0]) or scope["http_version"] == "1"  # which is 1.0
        if not is_addressed or fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            return BadRequest
        if int(fields.get(b"content-length", 0)) > self._app.config["MAX_CONTENT_LENGTH"]:
            return TooLarge
        with suppress(HTTPException):
            endpoint, _ = self._routes.match(scope["path"], scope["method"])
            if getattr(self._app.view_functions[endpoint], "classifies", False):
                return Overloaded if self._app.extensions["site"].gate.is_full else None
        return None

    async def _receive(self, receive: Receive, body: IO[bytes]) -> Refusal:
        """Receive a body, or return the class of the error for which the rest is left."""
        started, pieces, is_more = asyncio.get_running_loop().time(), 0, True
        if len(self._arriving) >= BODIES:
            self._arriving.remove(last := min(self._arriving, key=lambda each: each.when() or started))
            if not last.expired():
                last.reschedule(started)
        deadline = asyncio.timeout(SILENCE_SECONDS)
        self._arriving.add(deadline)
        try:
            async with deadline:
                while is_more and deadline in self._arriving:  # else it has given way
                    message = await receive()
                    pieces, is_more = pieces + 1, message.get("more_body", False)
                    body.write(message.get("body", b""))
                    size = body.tell()
                    if size > self._app.config["MAX_CONTENT_LENGTH"]:
                        return TooLarge
                    if message["type"] != "http.request" or size < SMALL_PIECE * (pieces - MANY_PIECES):
                        return BadRequest  # malformed, or its client has left; or in too small pieces
                    if deadline in self._arriving and not deadline.expired():
                        deadline.reschedule(started + SILENCE_SECONDS + size / SLOWEST)
        except TimeoutError:
            return TooSlow
        except OSError:
            return MachineFull
        finally:
            self._arriving.discard(deadline)
        return TooSlow if is_more else None

    def _answer(self, environ: Message, answer: IO[bytes]) -> Head:
        """Have Flask answer a request; return status and fields of the head."""
        try:
            pieces, status, fields = run_wsgi_app(self._app, environ)
            answer.writelines(pieces)
        except OSError:  # there is no room for the answer: those of its views Flask answers itself
            if environ[REFUSAL] is MachineFull:
                raise
            answer.seek(0)
            answer.truncate()
            return self._answer({**environ, REFUSAL: MachineFull}, answer)
        return int(status[:3]), list(fields)


def _make_environ(scope: Message, body: IO[bytes]) -> Message:
    """Make the WSGI environment of a request, whatever its body was sent in."""
    kept = [(name, value) for name, value in scope["headers"] if b"_" not in name]  # X_Real is not X-Real
    plain: Any = {**scope, "headers": kept, "query_string": b""}  # of which build_environ takes ASCII alone
    environ: Message = {**build_environ(plain, cast("Any", body)), "CONTENT_LENGTH": str(body.tell())}
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    body.seek(0)
    return environ | {"QUERY_STRING": scope["query_string"].decode("latin-1")}


async def _send(send: Send, head: Head, answer: IO[bytes], unread: Receive | None = None) -> None:
    """Send an answer, and have the connection closed if the request is `unread`."""
    size = answer.seek(0, 2)
    answer.seek(0)
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in head[1]]
    if size:
        fields = [field for field in fields if field[0] != b"content-length"]
    if size and not unread:  # else the server would close the connection at the last byte
        fields.append((b"content-length", str(size).encode()))
    await send({"type": "http.response.start", "status": head[0], "headers": fields})
    is_more = True
    while is_more:
        piece = answer.read(MEMORY_BYTES)
        is_more = answer.tell() < size
        async with asyncio.timeout(SILENCE_SECONDS):
            await send({"type": "http.response.body", "body": piece, "more_body": is_more or bool(unread)})
    if unread:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                for _ in range(MANY_PIECES):
                    if not (await unread()).get("more_body"):
                        break
        await send({"type": "http.response.body", "body": b""})
