"""Measure the running site under more load than it can take.

PYTHONPATH=.:tests python bench/overload.py
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import requests
from helpers import jpeg
from live_site import LiveSite
from measuring import save, site_model
from PIL import Image
from skimage import data

from app.recognition.cores import usable_cores
from app.recognition.gate import PLACES

SECONDS = 15.0
CROWD = 20  # clients for each place
HEALTH_PAUSE = 0.1
RETRY_SECONDS = 5  # over which the clients start: the site's Retry-After

Answers = dict[int, list[float]]


def main() -> None:
    """Compare one client with half as many as there are places, as many, and 20 times as many."""
    photo = jpeg(Image.fromarray(data.coffee()))
    with tempfile.TemporaryDirectory() as folder, LiveSite(Path(folder) / "instance") as site:
        upload = prepare(site.url, photo)
        crowds = (1, PLACES // 2, PLACES, CROWD * PLACES)
        rows = [asyncio.run(measure(site.url, upload, clients)) for clients in crowds]
    save("overload", f"Overload: {site_model()}, photos of 600 x 400 px", rows, (
        f"Each row {SECONDS:.0f} s; refused clients come again after Retry-After, all on the same cores. "
        f"A process has {PLACES} places: with as many clients all are taken, with {CROWD} times as many the "
        "others are refused."
    ))  # fmt: skip


def prepare(url: str, photo: bytes) -> bytes:
    """Return an upload as bytes, so that clients cost next to nothing."""
    request = requests.Request("POST", f"{url}/api/v1/predictions", files={"image": photo}).prepare()
    assert isinstance(request.body, bytes)
    fields = {"Host": urlsplit(url).netloc, **request.headers, "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {request.path_url} HTTP/1.1\r\n{head}\r\n".encode() + request.body


async def measure(url: str, upload: bytes, clients: int) -> dict[str, object]:
    """Make the row for a crowd of clients."""
    answers: Answers = {}
    health: Answers = {}
    end = time.perf_counter() + SECONDS
    before = time.process_time()
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(url, end, health))
        for number in range(clients):
            group.create_task(visit(url, upload, end, answers, start=RETRY_SECONDS * number / clients))
    spent = time.process_time() - before
    assert set(answers) <= {200, 503}
    accepted, refused = answers[200], answers.get(503, [])
    return {
        "clients": clients,
        "accepted a second": len(accepted) / SECONDS,
        "p50 ms": quantile(accepted, 50),
        "p90 ms": quantile(accepted, 90),
        "refused a second": len(refused) / SECONDS,
        "refused p50 ms": quantile(refused, 50) if refused else "",
        "refused p99 ms": quantile(refused, 99) if refused else "",
        "/livez p99 ms": quantile(health[200], 99),
        "processor taken by the clients %": 100 * spent / (SECONDS * usable_cores()),
    }


async def visit(url: str, upload: bytes, end: float, answers: Answers, start: float) -> None:
    """Send requests until `end`; after a refusal, wait for its Retry-After."""
    await asyncio.sleep(start)
    while time.perf_counter() < end:
        await asyncio.sleep(await ask(url, upload, answers))


async def watch(url: str, end: float, health: Answers) -> None:
    """Request /livez until `end`."""
    request = f"GET /livez HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nConnection: close\r\n\r\n".encode()
    while time.perf_counter() < end:
        await asyncio.sleep(HEALTH_PAUSE)
        await ask(url, request, health)


async def ask(url: str, request: bytes, answers: Answers) -> float:
    """Send a request over its own connection, note its time, and return the seconds to wait."""
    address = urlsplit(url)
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request)
    head = (await reader.read()).partition(b"\r\n\r\n")[0].decode()
    writer.close()
    answers.setdefault(int(head.split()[1]), []).append(time.perf_counter() - started)
    return float(head.partition("Retry-After: ")[2].partition("\r\n")[0] or 0)


def quantile(seconds: list[float], percent: int) -> float:
    """Return a percentile in milliseconds."""
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1000


if __name__ == "__main__":
    main()
