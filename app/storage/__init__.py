"""The SQLite files and the Redis server that hold history, corrections, sessions and rates."""

from collections.abc import Callable

Fault = Callable[[Exception], Exception]
"""Turns an exception of a database into the one that its store promises, and may count it."""


def ignore() -> None:
    """Ignore a fault."""
