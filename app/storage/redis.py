"""A Redis client that never waits for long, and the handling of its faults."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis, RedisError
from redis.client import Pipeline

from app.storage import Fault

TIMEOUT_SECONDS = 1.0


def connect(url: str) -> Redis:
    """Make a client whose every call ends within `TIMEOUT_SECONDS`, even if Redis is down."""
    # Unlike Redis(), from_url does not retry.
    return Redis.from_url(url, socket_connect_timeout=TIMEOUT_SECONDS, socket_timeout=TIMEOUT_SECONDS)


def check(redis: Redis, fault: Fault) -> None:
    """Write to Redis, so that a read-only server is noticed: a replica, or a full one."""
    with transactions(redis, fault) as pipeline:
        pipeline.set("check", 1, ex=1)
        pipeline.execute()


@contextmanager
def transactions(redis: Redis, fault: Fault) -> Iterator[Pipeline]:
    """Yield a pipeline: each `execute()` is one transaction and round trip. Raises what `fault` returns."""
    try:
        with redis.pipeline() as pipeline:
            yield pipeline
    except RedisError as error:
        raise fault(error) from error
