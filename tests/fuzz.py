"""Post mutated pictures to the site for a bounded time: `make fuzz`, or `make fuzz SECONDS=60`.

Hypothesis chooses seeds, mutations and places, so that it shrinks and keeps what it finds
(.hypothesis/). A finding becomes a test in tests/recognition/test_photos.py.
"""

import io
import logging
import os
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import hostile_photos as photos
from flask.testing import FlaskClient
from helpers import csrf_token
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app import create_app
from app.recognition.photos import MAX_SECONDS
from app.settings import OFF, Settings

ALLOWED = {"/api/v1/predictions": {200, 400, 413, 415, 422}, "/classify/": {303, 400, 413, 415, 422}}
DECODE_SECONDS = 2 * MAX_SECONDS  # of processor time for a whole request
BATCH = 500
SIGNATURE = 12  # bytes by which WebP is known, the longest

SEEDS = (
    photos.encode(photos.noise(48, 32), "JPEG"),
    photos.encode(photos.noise(48, 32), "JPEG", progressive=True),
    photos.encode(photos.noise(48, 32).convert("CMYK"), "JPEG"),
    photos.grey_jpeg(),
    photos.telltale_jpeg(),
    photos.mpo(),
    photos.rotated(6, "JPEG"),
    photos.encode(photos.noise(48, 32), "PNG"),
    photos.encode(photos.noise(48, 32).convert("1"), "PNG"),
    photos.palette_png(),
    photos.grey_alpha_png(),
    photos.grey_16_bit_keyed_png(),
    photos.rgb_16_bit_png(),
    photos.animated_png(),
    photos.telltale_png(),
    photos.encode(photos.noise(48, 32), "GIF"),
    photos.transparent_gif(),
    photos.animated_gif(3),
    photos.encode(photos.noise(48, 32), "WEBP"),
    photos.encode(photos.noise(48, 32), "WEBP", lossless=True),
    photos.transparent_webp(),
    photos.rotated(6, "WEBP"),
    photos.animated_webp(3),
    photos.heic(),
    photos.avif(),
)

# Each mutation is a kind, a place in thousandths of the file (half of them among its headers) and some bytes.
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(("flip", "set", "cut out", "double", "overwrite", "insert", "cut off", "swap")),
        st.one_of(st.integers(0, 1000), st.integers(0, 100)),
        st.binary(min_size=1, max_size=24),
    ),
    max_size=8,
)


def mutate(data: bytes, kind: str, thousandths: int, extra: bytes) -> bytes:
    """Damage `data` in one place, but seldom the bytes by which its format is known."""
    place = thousandths * (len(data) - 1) // 1000
    if kind != "insert":
        place = min(max(place, SIGNATURE), len(data) - 1)
    end = place + len(extra)
    head, middle, tail = data[:place], data[place:end], data[end:]
    match kind:
        case "flip":
            return head + bytes([data[place] ^ (1 << extra[0] % 8)]) + data[place + 1 :]
        case "set":
            return head + bytes([(0, 1, 127, 128, 254, 255)[extra[0] % 6]]) + data[place + 1 :]
        case "cut out":
            return head + tail
        case "double":
            return head + middle + middle + tail
        case "overwrite":
            return head + extra + tail
        case "insert":
            return head + extra + middle + tail
        case "cut off":
            return head
    return head + tail[: len(middle)] + middle + tail[len(middle) :]


class Fuzzer:
    """Posts what it is given to the page and to the API, and counts the answers."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.token = csrf_token(client)
        self.answers: Counter[int] = Counter()
        self.slowest = 0.0

    def post(self, path: str, photo: bytes) -> None:
        """Post a picture. Raises AssertionError for an answer that is not allowed, or too slow."""
        form = {"csrf_token": self.token, "image": (io.BytesIO(photo), "a.jpg")}
        started = time.thread_time()
        answer = self.client.post(path, data=form)
        seconds = time.thread_time() - started
        self.slowest = max(self.slowest, seconds)
        self.answers[answer.status_code] += 1
        assert answer.status_code in ALLOWED[path], answer.get_data(as_text=True)
        assert seconds < DECODE_SECONDS


def main() -> None:
    """Fuzz for SECONDS, 300 unless set; report, and end with status 1 for a finding."""
    seconds = float(os.environ.get("SECONDS") or 300)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(instance=Path(folder), rate_limit=OFF, page_rate_limit=OFF))
        app.config["PROPAGATE_EXCEPTIONS"] = True  # a finding comes with its trace
        app.extensions["site"].models.service().wait()
        fuzzer = Fuzzer(app.test_client())
        for seed in SEEDS:
            fuzzer.post("/api/v1/predictions", seed)
        assert set(fuzzer.answers) == {200}, "a seed is no sound picture"
        before = resident_megabytes()
        try:
            run(fuzzer, seconds)
        finally:
            report(fuzzer, before)


def run(fuzzer: Fuzzer, seconds: float) -> None:
    """Let Hypothesis try batches of pictures until the time is over."""
    end = time.monotonic() + seconds

    @settings(
        max_examples=BATCH,
        deadline=None,
        phases=(Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(SEEDS), MUTATIONS, st.sampled_from(tuple(ALLOWED)))
    def post_mutated(seed: bytes, mutations: list[tuple[str, int, bytes]], path: str) -> None:
        if time.monotonic() > end:
            return
        for mutation in mutations:
            seed = mutate(seed, *mutation) or b"\0"
        fuzzer.post(path, seed)

    while time.monotonic() < end:
        post_mutated()


def report(fuzzer: Fuzzer, before: float) -> None:
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(fuzzer.answers.items()))
    print(f"{fuzzer.answers.total():,} pictures from {len(SEEDS)} seeds. Answers: {answers}.")
    print(f"Slowest: {fuzzer.slowest:.2f} s of processor time.")
    print(f"Resident memory: {before:.0f} MB before, {resident_megabytes():.0f} MB after.")


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


if __name__ == "__main__":
    main()
