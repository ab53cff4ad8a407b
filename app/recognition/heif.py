"""HEIC and AVIF, the photos of phones: decoded in a process of their own, which may fail and be ended."""

import re
import struct
import subprocess
import sys
from pathlib import Path

from app.errors import TooManyPixels, UnreadablePhoto, UnsupportedFormat
from app.recognition.limits import MAX_PIXELS
from app.texts import Text

HEIC_SENTENCE = Text(
    "This is a HEIC photo, which this site cannot read. Share it from the phone as JPEG "
    "(on an iPhone: Settings, Camera, Formats, Most Compatible) and upload that."
)
MAX_SECONDS = 5.0  # of processor time; 25 megapixels take about 1
MAX_MEMORY = 700_000_000  # bytes
MAX_WAIT = 120  # s, for a decoder that waits for something that never comes
DECODER = Path(__file__).with_name("heif_decoder.py")

HEIC, AVIF = "HEIC", "AVIF"
BRANDS = {b"heic": HEIC, b"heix": HEIC, b"heim": HEIC, b"heis": HEIC, b"avif": AVIF}
CONTAINER = b"mif1"  # of either; the brands that follow say which
FILMS = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1", b"avis"}
SIZE = re.compile(rb"ispe\0\0\0\0(.{8})", re.DOTALL)


def kind_of(data: bytes) -> str | None:
    """Return HEIC or AVIF, or None for a file of another kind. Raises UnsupportedFormat for a film."""
    if data[4:8] != b"ftyp":
        return None
    brand = data[8:12]
    if brand in FILMS:
        raise UnsupportedFormat
    others = data[16 : min(int.from_bytes(data[:4], "big"), 256)]
    if brand == CONTAINER:
        return AVIF if b"avif" in others else HEIC
    return BRANDS.get(brand)


def read_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of the largest picture in a file, by what the file says.

    Raises UnreadablePhoto if it says nothing, TooManyPixels.
    """
    sizes = [struct.unpack(">2I", found) for found in SIZE.findall(data)]
    if not sizes:
        raise UnreadablePhoto
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    if width * height > MAX_PIXELS:
        raise TooManyPixels
    return width, height


def make_png(data: bytes, shortest: int) -> bytes:
    """Decode a photo to a PNG whose shorter side, if it is shrunk, stays at least `shortest`.

    Raises UnreadablePhoto for a damaged one, or one that takes too much time or memory.
    """
    limits = [str(one) for one in (MAX_SECONDS, MAX_MEMORY, MAX_PIXELS, shortest)]
    command = [sys.executable, "-I", str(DECODER), *limits]
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=True, timeout=MAX_WAIT)  # noqa: S603
    except subprocess.SubprocessError as error:
        raise UnreadablePhoto from error
    return done.stdout
