"""Colour profiles made by code: of screens and cameras (matrices), and of a printing press (a table)."""

import struct
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Colour = Sequence[float]
GAMMA = 2.2
# Columns: where red, green and blue lie in XYZ under D50. Source: Bruce Lindbloom's tables, Apple's profile.
SRGB = ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410))
DISPLAY_P3 = ((0.51512, 0.29198, 0.15710), (0.24120, 0.69225, 0.06657), (-0.00105, 0.04189, 0.78407))
ADOBE_RGB = ((0.60974, 0.20528, 0.14919), (0.31111, 0.62567, 0.06322), (0.01947, 0.06087, 0.74457))
PROPHOTO = ((0.79767, 0.13519, 0.03134), (0.28804, 0.71188, 0.00009), (0.0, 0.0, 0.82491))
SPACES = {"Display P3": DISPLAY_P3, "Adobe RGB": ADOBE_RGB, "ProPhoto": PROPHOTO}
D50 = (0.9642, 1.0, 0.8249)
PRESS_RED = (60.0, 20.0, 10.0)  # in Lab, of the made-up press: a dull red


def matrix_profile(space: Sequence[Colour]) -> bytes:
    """Make the profile of a screen with these primaries and a gamma of 2.2."""
    curve = struct.pack(">4s4xIH2x", b"curv", 1, round(GAMMA * 256))
    tags: dict[bytes, bytes] = {}
    for letter, *column in zip((b"r", b"g", b"b"), *space, strict=True):
        tags |= {letter + b"XYZ": _xyz(column), letter + b"TRC": curve}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    """Make the profile of a grey scanner with this gamma."""
    curve = struct.pack(">4s4xIH2x", b"curv", 1, round(gamma * 256))
    return _profile(b"scnr", b"GRAY", b"XYZ ", {b"kTRC": curve})


def press_profile() -> bytes:
    """Make the profile of a press whose paper is white, whose black is black, and all else `PRESS_RED`."""
    table = [_press(*inks) for inks in product((0, 1), repeat=4)]
    head = struct.pack(">4s4x4B9i2H", b"mft2", 4, 3, 2, 0, 65536, 0, 0, 0, 65536, 0, 0, 0, 65536, 2, 2)
    ends = struct.pack(">2H", 0, 65535)
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": head + ends * 4 + b"".join(table) + ends * 3})


def seen_in_srgb(colour: Colour, space: Sequence[Colour]) -> NDArray[np.float64]:
    """Return what a colour of a space looks like in sRGB, 0 to 255, by the textbook."""
    light = np.linalg.solve(np.array(SRGB), np.array(space) @ (np.array(colour) / 255) ** GAMMA).clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _press(cyan: int, magenta: int, yellow: int, black: int) -> bytes:
    lab = (100.0, 0.0, 0.0)
    if cyan or magenta or yellow:
        lab = PRESS_RED
    if black:
        lab = (0.0, 0.0, 0.0)
    light, a, b = lab
    return struct.pack(">3H", round(light * 652.8), round((a + 128) * 256), round((b + 128) * 256))


def _profile(kind: bytes, colours: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {
        **tags,
        b"wtpt": _xyz(D50),
        b"desc": struct.pack(">4s4xI", b"desc", 5) + b"made\0".ljust(83, b"\0"),
    }
    place, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, place + len(body), len(content))
        body += content
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4xI4s4s4s12x4s28x", size, 0x02100000, kind, colours, connection, b"acsp")
    return head + _xyz(D50)[8:] + bytes(128 - len(head) - 12) + table + body


def _xyz(colour: Colour) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(65536 * value) for value in colour))
