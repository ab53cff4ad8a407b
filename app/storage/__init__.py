"""The SQLite files and the Redis server in which history, corrections, sessions and rates are kept."""

from collections.abc import Callable

Fault = Callable[[Exception], Exception]
"""Makes of what a database raised the exception that its store promises, and may count it."""


def ignore() -> None:
    """Note no fault."""
