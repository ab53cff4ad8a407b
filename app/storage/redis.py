"""A client of Redis that never waits for long, and what a failing one becomes."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis, RedisError
from redis.client import Pipeline

from app.storage import Fault

TIMEOUT_SECONDS = 1.0


def connect(url: str) -> Redis:
    """Make a client whose every call ends within `TIMEOUT_SECONDS`, Redis dead or alive."""
    # from_url, unlike Redis(), makes no retries.
    return Redis.from_url(url, socket_connect_timeout=TIMEOUT_SECONDS, socket_timeout=TIMEOUT_SECONDS)


def check(redis: Redis, fault: Fault) -> None:
    """Write to Redis, so that one that can be read alone is noticed: a replica, or a full one."""
    with transactions(redis, fault) as pipeline:
        pipeline.set("check", 1, ex=1)
        pipeline.execute()


@contextmanager
def transactions(redis: Redis, fault: Fault) -> Iterator[Pipeline]:
    """Give a pipeline: each `execute()` is one transaction in one round trip. Raises as `fault` says."""
    try:
        with redis.pipeline() as pipeline:
            yield pipeline
    except RedisError as error:
        raise fault(error) from error
