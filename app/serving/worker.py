"""The gunicorn worker: waitress receives and sends for all clients in one loop, its threads only compute.

gunicorn's own threads wait for the clients they serve, so that 16 stalled uploads leave none to answer
/livez. Here a thread never sees a request before its last byte has arrived, nor waits for a slow reader.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from gunicorn.workers.base import Worker
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestEntityTooLarge

from app.errors import MachineFull, Overloaded
from app.web.uploads import IN_MEMORY_BYTES

if TYPE_CHECKING:
    from app.serving.door import Door

ACCEPTED_AT_ONCE = 32  # by a lone worker; several take one each in turn, so that none takes all
CONNECTIONS = 1000  # open at a time; more wait in the listener's queue
SILENCE_SECONDS = 20  # after which a connection is closed, stalled upload or kept alive
ARRIVAL_SECONDS = 120.0  # for a whole request: 10 MB at less than 1 Mbit/s
DRAIN_SECONDS = 2.0  # for a client to read an answer that came before the end of its request
HEAD_BYTES = 32 * 1024
READ_BYTES = 64 * 1024
TICK_SECONDS = 1  # between two signs of life to gunicorn's master

log = logging.getLogger(__name__)


class Request(HTTPRequestParser):
    """A request that is refused as soon as its head has arrived, or its end, if there is no place for it.

    It is also refused as soon as the disk has no room for a body that exceeds memory.
    """

    completed: bool  # these two are waitress's own
    expect_continue: bool
    is_refused = False
    is_too_large = False  # for the disk

    def __init__(self, adj: Any, door: Door | None) -> None:
        super().__init__(adj)
        self._door = door

    def received(self, data: bytes) -> int:
        if self.is_refused:
            return len(data)
        had_head = self.headers_finished
        try:
            consumed = int(super().received(data))
        except OSError as error:  # there is no folder for temporary files, or no room in it
            if self._door is None:  # an answer before this one is on its way: close the connection
                raise
            log.error("no temporary file: %s", error)
            self.is_too_large = True
            self._refuse()
            return len(data)
        if self.completed:
            self.expect_continue = False  # else waitress waits for a body that does not come, for good
        if self._door and not self.error and (self.completed or self.headers_finished > had_head):
            self._ask(self._door)
        return len(data) if self.is_refused else consumed

    def _ask(self, door: Door) -> None:
        if not self.empty and not door.is_open and door.concerns(self.command, self.path):
            self._refuse()

    def _refuse(self) -> None:
        self.is_refused = True
        self.completed = self.expect_continue = False  # so that no thread has to look at it


class Channel(HTTPChannel):
    """A connection whose photos are refused at the door when the site is full, and that is shut down gently.

    Closing a socket with unread bytes in it makes the kernel take back the answer. So this end stops
    sending, and throws away what still comes until the client, too, has closed.
    """

    close_when_flushed: bool  # set by waitress once the last answer is in the buffers
    draining = False
    arriving_since = 0.0

    def error_task_class(self, channel: Channel, request: Any) -> ErrorTask | WSGITask:
        """Have the site itself refuse a body that is too large, as it alone knows how to say it."""
        if not isinstance(request.error, RequestEntityTooLarge):
            return ErrorTask(channel, request)
        request.headers.setdefault("CONTENT_LENGTH", str(request.body_bytes_received))
        task = WSGITask(channel, request)
        task.set_close_on_finish()
        return task

    def parser_class(self, adj: Any) -> Request:
        """Begin a request; behind one that is being answered the site itself has to refuse it."""
        return Request(adj, None if self.requests else self.server.door)

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.arriving_since = time.time()
        is_alive = bool(super().received(data))
        if self.request is not None and self.request.is_refused and not self.close_when_flushed:
            request = self.request
            fault = MachineFull if request.is_too_large else Overloaded
            self.write_soon(self.server.door.refuse(request.command, request.path, request.headers, fault))
            self.close_when_flushed = True
        return is_alive

    def handle_read(self) -> None:
        if self.draining:
            self.recv(READ_BYTES)  # which closes when the client has
        else:
            super().handle_read()

    def handle_write(self) -> None:
        closing = self.close_when_flushed
        if closing:
            self.close_when_flushed = False  # else waitress closes at once
        super().handle_write()
        if closing and self.connected:
            self.close_when_flushed = bool(self.total_outbufs_len)
            self.draining = not self.close_when_flushed
            if self.draining:
                self.socket.shutdown(socket.SHUT_WR)
                self.last_activity = time.time() - SILENCE_SECONDS + DRAIN_SECONDS

    def is_busy(self) -> bool:
        """Tell whether a request is arriving, being answered, or its answer being sent."""
        return bool(self.requests or self.request is not None or self.total_outbufs_len)


class Dispatcher(ThreadedTaskDispatcher):
    """Starts a thread, of at most `most`, only for a request that no idle one can take.

    glibc keeps up to 240 kB of freed memory for each thread, and with it the pages around. waitress has its
    threads work in turn, so that all of them would fill up, however few requests come at once.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._growing = threading.Lock()

    def add_task(self, task: Any) -> None:
        with self._growing:
            count = len(self.threads)
            if count < self._most and len(self.queue) >= count - self.active_count:
                self.set_thread_count(count + 1)
            super().add_task(task)


class Server(TcpWSGIServer):
    """Accepts all who wait in each round of its loop; waitress's own accepts one, so that a flood queues."""

    channel_class = Channel

    def __init__(
        self, app: Any, listener: socket.socket, door: Door, accepted_at_once: int, **adjustments: Any
    ) -> None:
        """Serve `app` at a socket that listens; `adjustments` are waitress's own, and a `dispatcher`."""
        address = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(app, _sock=listener, sockinfo=address, bind_socket=False, **adjustments)
        self.door = door
        self._accepted_at_once = accepted_at_once

    def handle_accept(self) -> None:
        for _ in range(self._accepted_at_once):
            connections = len(self._map)
            super().handle_accept()
            if len(self._map) == connections:
                return


class WaitressWorker(Worker):
    """Runs waitress on the socket that gunicorn's master listens at."""

    def run(self) -> None:
        """Serve until told to stop, then until every answer in flight has been sent."""
        [listener] = self.sockets
        self.server = Server(
            self.wsgi,
            listener.sock,
            self._door(),
            ACCEPTED_AT_ONCE if self.cfg.workers == 1 else 1,
            dispatcher=Dispatcher(self.cfg.threads),
            ident=None,
            clear_untrusted_proxy_headers=False,  # the site itself knows which proxies to trust
            connection_limit=CONNECTIONS,
            channel_timeout=SILENCE_SECONDS,
            cleanup_interval=TICK_SECONDS,
            max_request_header_size=HEAD_BYTES,
            max_request_body_size=self.wsgi.config["MAX_CONTENT_LENGTH"] + 1,
            recv_bytes=READ_BYTES,
            inbuf_overflow=IN_MEMORY_BYTES,
            asyncore_use_poll=True,
            log_socket_errors=False,  # a client that hangs up is no news
        )
        while self.alive and self.ppid == os.getppid():
            self._tick()
        self.server.accepting = False
        deadline = time.monotonic() + self.cfg.graceful_timeout - TICK_SECONDS
        while time.monotonic() < deadline and any(channel.is_busy() for channel in self._channels()):
            self._tick()

    def _door(self) -> Door:
        from app.serving.door import (
            Door,  # not before the fork: what it counts with must know its process first
        )

        return Door(self.wsgi)

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        if hasattr(self, "server"):
            self.server.pull_trigger()

    def _tick(self) -> None:
        self.notify()
        self.server.asyncore.loop(TICK_SECONDS, use_poll=True, map=self.server._map, count=1)
        overdue = time.time() - ARRIVAL_SECONDS
        for channel in self._channels():
            if channel.request is not None and channel.arriving_since < overdue:
                channel.will_close = True

    def _channels(self) -> list[Channel]:
        return list(self.server.active_channels.values())
