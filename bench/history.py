"""Measure the worklist of a session with 10,000 rows in SQLite and in Redis. Prints a Markdown table.

PYTHONPATH=. python bench/history.py
"""

import random
import shutil
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from redis import Redis
from redis.exceptions import ConnectionError as NotYet

from app import create_app
from app.history.entry import MAX_ENTRIES, Entry
from app.recognition.origin import Origin
from app.recognition.taxonomy import Taxonomy, read_taxonomy
from app.settings import DEFAULT_MODEL, ROOT, Settings

REDIS_PORT = 8766
ROUNDS = 30
THUMBNAIL = bytes(12_000)  # the size for a usual photo
PAGES = {
    "the newest rows": "/classify/history",
    "the last page": "/classify/history?page=400",
    "search, filter, least sure first": "/classify/history?text=te&verdict=unsure&sort=least_sure",
    "by category": "/classify/history?sort=category",
    "the classifier's own page": "/classify/",
}


def main() -> None:
    """Fill both stores alike, then request every page of both in turn, round after round."""
    program = shutil.which("redis-server")
    assert program, "the program redis-server is not installed"
    memory = Path("/dev/shm")  # filling is slow if every row waits for a disk
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        command = [program, "--port", str(REDIS_PORT), "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                wait_for_redis()
                sites = {
                    "SQLite": Settings(instance=Path(folder) / "sqlite"),
                    "Redis": Settings(
                        instance=Path(folder) / "redis", redis_url=f"redis://127.0.0.1:{REDIS_PORT}"
                    ),
                }
                clients = {name: visit(settings) for name, settings in sites.items()}
                print_table(measure(clients))
            finally:
                server.terminate()


def visit(settings: Settings, rows: int = MAX_ENTRIES) -> FlaskClient:
    """Return a client whose history has `rows` rows."""
    app = create_app(settings)
    client = app.test_client()
    client.get("/classify/")
    with client.session_transaction(path="/classify/") as session:
        owner = session.setdefault("history", "of-the-test")
    taxonomy = read_taxonomy(ROOT / "weights" / DEFAULT_MODEL / "taxonomy.csv")
    rng = random.Random(0)
    now = datetime.now(UTC)
    for minutes in range(rows):
        entry = made_up_entry(taxonomy, rng, now - timedelta(minutes=minutes))
        app.extensions["site"].history.add(owner, entry, THUMBNAIL)
    return client


def made_up_entry(taxonomy: Taxonomy, rng: random.Random, created: datetime) -> Entry:
    """Make up an answer like the site's; every third photo is from the web, and all differ."""
    best = rng.random()
    guesses: list[dict[str, Any]] = [
        {
            "category_id": category.category_id,
            "slug": category.slug,
            "name": category.name_en,
            "name_fr": category.name_fr,
            "path": list(category.path),
            "probability": probability,
        }
        for category, probability in zip(
            rng.sample(taxonomy.categories, 4), (best, *[(1 - best) / 4] * 3), strict=True
        )
    ]
    path = [
        {"level": level, "name": name, "probability": best, "trusted": best > 0.5}
        for level, name in enumerate(guesses[0]["path"], start=1)
    ]
    source = Origin(
        "Open Products Facts", "A product with a name", "contributors", "CC BY-SA 3.0", "https://a.example/"
    )
    return Entry(
        predictions=guesses,
        model=DEFAULT_MODEL,
        taxonomy_version=taxonomy.version,
        origin=rng.choice((Origin(), Origin(), source)),
        milliseconds=9.0,
        verdict="sure" if best > 0.6 else "unsure",
        roll_up=path,
        fingerprint=f"{rng.getrandbits(256):064x}",
        dhash=f"{rng.getrandbits(64):016x}",
        created=created,
    )


def measure(clients: dict[str, FlaskClient]) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Request every page `ROUNDS` times; return the wall and processor milliseconds of each answer."""
    times: dict[tuple[str, str], list[tuple[float, float]]] = {
        (page, store): [] for page in PAGES for store in clients
    }
    for _ in range(ROUNDS):
        for page, store in times:
            started, worked = time.perf_counter(), time.process_time()
            answer = clients[store].get(PAGES[page])
            ended = time.perf_counter() - started, time.process_time() - worked
            times[page, store].append((ended[0] * 1000, ended[1] * 1000))
            assert answer.status_code == 200
    return times


def print_table(times: dict[tuple[str, str], list[tuple[float, float]]]) -> None:
    """Print medians; on a busy machine, only the site's processor time is reliable."""
    print(f"| {MAX_ENTRIES:,} rows, medians of {ROUNDS} | SQLite, of it processor | Redis, of it processor |")
    print("|---|---:|---:|")
    for page in PAGES:
        cells = []
        for store in ("SQLite", "Redis"):
            taken, worked = (statistics.median(column) for column in zip(*times[page, store], strict=True))
            cells.append(f"{taken:.0f} ms, {worked:.0f} ms")
        print(f"| {page} | {' | '.join(cells)} |")


def wait_for_redis() -> None:
    with Redis(port=REDIS_PORT) as client:
        while True:
            try:
                client.ping()
            except NotYet:
                time.sleep(0.02)
            else:
                return


if __name__ == "__main__":
    main()
