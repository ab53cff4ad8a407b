"""The real site on a free port of loopback, in processes of its own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import requests
from helpers import free_port

from app.settings import ROOT

START_SECONDS = 120
STOP_SECONDS = 40  # longer than the time that the site grants the answers in flight
SITE = (sys.executable, "-m", "app.serving")
HOLDABLE = (sys.executable, "-m", "holding")  # see there


class LiveSite:
    """The site in front of real sockets, at `url`; `with` starts it ready to classify and stops it.

    `environment` holds further settings; without any, the sources of random photos are out of reach.
    """

    def __init__(
        self,
        instance: Path,
        command: Sequence[str] = SITE,
        log: Path | None = None,
        **environment: str,
    ) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.instance = instance
        self._command = command
        own = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "INSTANCE": str(instance),
            "PHOTO_SOURCES": "open-products-facts",
            "OPEN_PRODUCTS_FACTS_URL": "http://127.0.0.1:9",  # the discard port: nothing listens
            "RATE_LIMIT": "off",  # all visitors of a test share an address
        }
        paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
        self._environment = {**os.environ, **paths, **own, **environment}
        self._log = log or instance.with_suffix(".log")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def launch(self) -> None:
        """Start the processes, as a session of their own, and wait for nothing."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start the processes and wait until the site can classify."""
        self.launch()
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert self.process.poll() is None, f"the site ended at once:\n{self.log()}"
            assert "cannot classify" not in self.log(), f"the network was not loaded:\n{self.log()}"
            assert time.monotonic() < deadline, f"the site did not become ready:\n{self.log()[:4000]}"
            time.sleep(0.05)

    def stop(self) -> str:
        """End the site by TERM and return its log; a site that has ended stays ended."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.log()

    def restart(self) -> None:
        """Stop the site and start it again at the same address with the same instance folder."""
        self.stop()
        self.start()

    def log(self) -> str:
        """Return what the site has printed since it was first started."""
        return self._log.read_text()

    def worker(self) -> int:
        """Return the process id of the only worker."""
        return self.workers()[-1]

    def workers(self) -> list[int]:
        """Return the process ids of all workers that were started, the newest last."""
        return [int(pid) for pid in re.findall(r"Spawning worker-\d+ with PID: (\d+)", self.log())]

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=START_SECONDS).ok
        except requests.ConnectionError:
            return False
