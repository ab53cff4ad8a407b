"""A redis-server of a test's own, which may be stopped and made to fail."""

import subprocess
from pathlib import Path

from helpers import WAIT_SECONDS, free_port, program, wait_until_it_answers
from redis import Redis


class OwnRedis:
    """A redis-server at `url`, with what it keeps in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.folder = folder
        self._command = [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        self._command += ["--dir", str(folder), "--logfile", "redis.log"]

    def start(self) -> None:
        self._server = subprocess.Popen(self._command)
        wait_until_it_answers(self._server, self.port)

    def stop(self) -> None:
        self._server.terminate()  # it saves what it holds, for the next start
        self._server.wait(WAIT_SECONDS)

    def kill(self) -> None:
        self._server.kill()  # it saves nothing
        self._server.wait(WAIT_SECONDS)

    def fill_up(self) -> None:
        """Have no room left and nothing thrown away."""
        self.configure("maxmemory-policy", "noeviction")
        self.configure("maxmemory", "1")

    def become_a_replica(self) -> None:
        """Take no more writes."""
        with Redis.from_url(self.url) as client:
            client.replicaof("127.0.0.1", str(free_port()))

    def ask_for_a_password(self) -> None:
        """Answer nobody any more who does not know it."""
        with Redis.from_url(self.url) as client:
            client.config_set("requirepass", "another password")
            client.client_kill_filter(skipme=True)

    def configure(self, name: str, value: str) -> None:
        with Redis.from_url(self.url) as client:
            client.config_set(name, value)
