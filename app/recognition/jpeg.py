"""JPEG: decoded whole or refused, and shrunk while it is read."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from app.errors import TooManyPixels
from app.recognition.limits import MAX_PIXELS

SIGNATURE = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
Segment = tuple[int, int, int]  # a marker, and where its content starts and stops
SCALES = (8, 4, 2)  # by which the decoder shrinks at least cost
MAX_SEGMENTS = 1000  # 10 MB of the largest are 160
MAX_SCANS = 64  # cameras and encoders write 1 to 17; 64 that say nothing take 0.6 s at 25 megapixels
ALL_BITS, LAST_BIT = 16, 1  # a refinement that few can see, and some encoders leave out
COLOURS = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}

APP0, SCAN, END = 0xE0, 0xDA, 0xD9
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
WHOLE_SCAN = bytes((0, 63, 0))  # the end of a scan's header in a file that is not progressive
MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")  # neither stuffing nor a restart within a scan
END_AFTER_ZEROS = re.compile(rb"\x00+\xff+\xd9")


@dataclass(frozen=True)
class Layout:
    """A JPEG without its harmless oddities, and how it is built."""

    data: bytearray
    is_progressive: bool
    scans: int


def read_layout(data: bytes) -> Layout:
    """Check that no scan of a JPEG is missing. Raises ValueError if one is, or if there are too many.

    Raises it too for a file sent in text mode: a short one can get through the decoder without a warning.

    What cameras write and every browser shows is put right: an odd scan header (Samsung), an unknown version
    of JFIF, a missing end marker, zeros before it.
    """
    segments = list(_segments(data))
    is_progressive = any(marker in PROGRESSIVE for marker, *_ in segments)
    repaired = _repair(data, segments, is_progressive)
    scans = sum(marker == SCAN for marker, *_ in segments)
    if scans > MAX_SCANS:
        raise ValueError("too many scans")
    if not _is_whole(repaired, segments):
        raise ValueError("a scan is missing")
    if _came_as_text(data, segments):
        raise ValueError("each line feed has got a carriage return")
    return Layout(repaired, is_progressive, scans)


def shrinking(size: tuple[int, int], shortest: int) -> int:
    """Return by how much the decoder shrinks a picture whose shorter side stays at least `shortest`."""
    return next((scale for scale in SCALES if min(size) // shortest >= scale), 1)


def decode_jpeg(layout: Layout, mode: str, size: tuple[int, int], shortest: int) -> Image.Image:
    """Decode a JPEG of this mode and size, shrunk as `shrinking` says.

    Raises ValueError for lost or corrupt data, which libjpeg warns of and Pillow passes over; TooManyPixels.
    """
    width, height = size
    scale = shrinking(size, shortest)
    wanted = -(-width // scale), -(-height // scale)
    if layout.scans > 1 and width * height > MAX_PIXELS:  # the decoder keeps the whole picture
        raise TooManyPixels
    if simplejpeg.decode_jpeg_header(layout.data)[:2] != (height, width):
        raise ValueError("another size than at first")
    pixels = _decode(layout.data, COLOURS[mode], wanted)
    if mode == "CMYK":
        np.subtract(255, pixels, out=pixels)  # as Adobe writes it
    return Image.fromarray(pixels[..., 0] if mode == "L" else pixels, mode)


def _decode(data: bytearray, colours: str, wanted: tuple[int, int]) -> NDArray[np.uint8]:
    decode = partial(simplejpeg.decode_jpeg, colorspace=colours, min_width=wanted[0], min_height=wanted[1])
    try:
        pixels: NDArray[np.uint8] = decode(data)
    except ValueError as error:
        if "extraneous" not in str(error) or not (padding := END_AFTER_ZEROS.search(data)):
            raise
        pixels = decode(data[: padding.start()] + JPEG_END)
    return pixels


def _repair(data: bytes, segments: Iterable[Segment], is_progressive: bool) -> bytearray:
    repaired, is_ended = bytearray(data), False
    for marker, start, stop in segments:
        if marker == APP0 and data.startswith(b"JFIF\0", start):
            repaired[start + 5] = 1
        elif marker == SCAN and not is_progressive:
            repaired[stop - 3 : stop] = WHOLE_SCAN
        is_ended = marker == END
    if not is_ended and not is_progressive:
        repaired += JPEG_END
    return repaired


def _is_whole(data: bytearray, segments: Iterable[Segment]) -> bool:
    """Tell whether each coefficient of each component is in a scan, up to its last bit."""
    lacking: dict[int, list[int]] = {}  # bits that are in no scan yet
    for marker, start, stop in segments:
        content = data[start:stop]
        if marker in FRAMES:
            lacking = {component: [ALL_BITS] * 64 for component in content[6 : 6 + 3 * content[5] : 3]}
        elif marker == SCAN:
            first, last, bits = content[-3:]
            for component in content[1 : 1 + 2 * content[0] : 2]:
                lacking[component][first : last + 1] = [bits & 15] * (last + 1 - first)
    return bool(lacking) and all(bits <= LAST_BIT for known in lacking.values() for bits in known)


def _came_as_text(data: bytes, segments: Iterable[Segment]) -> bool:
    """Tell whether a transfer has put a carriage return before each line feed from the first scan on.

    By chance one of 256 line feeds has one before it.
    """
    pixels = next(stop for marker, _, stop in segments if marker == SCAN)
    feeds = data.count(b"\n", pixels)
    return feeds > 1 and feeds == data.count(b"\r\n", pixels)


def _segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments of the first picture in a file."""
    place = 2
    for _ in range(MAX_SEGMENTS):
        found = MARKER.search(data, place)
        if not found:
            return
        marker, start = found[1][0], found.end()
        if marker == END:
            yield marker, start, start
            return
        place = start + max(2, int.from_bytes(data[start : start + 2], "big"))
        yield marker, start + 2, place
    raise ValueError("too many segments")
