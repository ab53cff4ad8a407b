"""Whose turn it is to read, decode and resize a photo: few at a time, so that all else is answered at once.

These take Python's lock in thousands of short steps. While many requests do so, the worker's loop waits
behind several of them at each step of its own, and every refusal with it (figures: docs/performance.md).
"""

from threading import BoundedSemaphore

from app.recognition.engines import usable_cores
from app.recognition.photos import DECODERS


def make_turn() -> BoundedSemaphore:
    """Make what a request holds meanwhile: one turn for every two cores, at most `DECODERS`."""
    return BoundedSemaphore(max(1, min(DECODERS, usable_cores() // 2)))
