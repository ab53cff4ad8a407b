"""Taught classifiers in Redis, for a site on several machines.

classifiers         sorted set of owners by the time in seconds of their last change
classifier:<owner>  hash of files by name; it expires by itself
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from redis.client import Pipeline

from app.classifiers import store
from app.classifiers.store import KEPT_FOR, oldest_kept
from app.errors import ClassifierFull, ClassifiersUnavailable
from app.storage import ignore
from app.storage.redis import check, connect, transactions

OWNERS = "classifiers"
PIECE = 500  # files read at a time, as Redis must answer within a second


class RedisClassifiers:
    """A ClassifierStore in the Redis at `url`; connects on first use."""

    def __init__(self, url: str, note_fault: Callable[[], object] = ignore) -> None:
        self._redis = connect(url)
        self._note_fault = note_fault

    def names(self, owner: str) -> list[str]:
        with self._pipeline() as pipeline:
            pipeline.hkeys(_key(owner))
            return sorted(name.decode() for name in pipeline.execute()[0])

    def get(self, owner: str, names: Sequence[str]) -> dict[str, bytes]:
        found: list[bytes | None] = []
        with self._pipeline() as pipeline:
            for start in range(0, len(names), PIECE):
                pipeline.hmget(_key(owner), names[start : start + PIECE])
                found += pipeline.execute()[0]
        return {name: data for name, data in zip(names, found, strict=True) if data is not None}

    def put(self, owner: str, files: Mapping[str, bytes]) -> None:
        if len({*self.names(owner), *files}) > store.MOST_FILES:
            raise ClassifierFull
        mapping: dict[Any, Any] = {**files}
        with self._pipeline() as pipeline:
            pipeline.hset(_key(owner), mapping=mapping)
            pipeline.expire(_key(owner), KEPT_FOR)
            pipeline.zadd(OWNERS, {owner: time.time()})
            pipeline.zremrangebyscore(OWNERS, "-inf", f"({oldest_kept()}")
            pipeline.zrange(OWNERS, 0, -store.MOST_OWNERS - 1)
            for oldest in pipeline.execute()[-1]:
                _drop(pipeline, oldest.decode())
            pipeline.execute()

    def delete(self, owner: str, names: Sequence[str]) -> None:
        if names:
            with self._pipeline() as pipeline:
                pipeline.hdel(_key(owner), *names)
                pipeline.execute()

    def clear(self, owner: str) -> None:
        with self._pipeline() as pipeline:
            _drop(pipeline, owner)
            pipeline.execute()

    def sweep(self) -> None:
        """Do nothing: Redis itself drops what has expired."""

    def check(self) -> None:
        check(self._redis, self._fault)

    def _pipeline(self) -> AbstractContextManager[Pipeline]:
        return transactions(self._redis, self._fault)

    def _fault(self, _error: Exception) -> ClassifiersUnavailable:
        self._note_fault()
        return ClassifiersUnavailable()


def _key(owner: str) -> str:
    return f"classifier:{owner}"


def _drop(pipeline: Pipeline, owner: str) -> None:
    pipeline.unlink(_key(owner))
    pipeline.zrem(OWNERS, owner)
