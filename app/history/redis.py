"""The history in Redis, for a site on several machines.

history:<owner>         sorted set of entry ids by their time in seconds
history:<owner>:<id>    hash with the fields json and jpeg, which expires by itself
"""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis, RedisError
from redis.client import Pipeline

from app import metrics
from app.errors import HistoryUnavailable, NotFound
from app.history.store import KEPT_FOR, MAX_ENTRIES, Entry, dump_entry, load_entry, oldest_kept

TIMEOUT_SECONDS = 1.0


def connect(url: str) -> Redis:
    """Make a client whose every call ends within `TIMEOUT_SECONDS`, Redis dead or alive."""
    # from_url, unlike Redis(), makes no retries.
    return Redis.from_url(url, socket_connect_timeout=TIMEOUT_SECONDS, socket_timeout=TIMEOUT_SECONDS)


class RedisHistory:
    """A HistoryStore in the Redis at `url`; connects on first use."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)

    def add(self, owner: str, entry: Entry, thumbnail: bytes) -> None:
        index, row = _index_key(owner), _row_key(owner, entry.id)
        with self._pipeline() as pipeline:
            pipeline.hset(row, mapping={"json": dump_entry(entry, thumbnail), "jpeg": thumbnail})
            pipeline.pexpireat(row, entry.created + KEPT_FOR)
            pipeline.zadd(index, {entry.id: entry.created.timestamp()})
            pipeline.expire(index, KEPT_FOR)
            pipeline.zremrangebyscore(index, "-inf", f"({oldest_kept()}")
            pipeline.zrange(index, 0, -MAX_ENTRIES - 1)
            oldest: list[bytes] = pipeline.execute()[-1]
        self._drop(owner, oldest)

    def page(self, owner: str, offset: int, limit: int) -> list[Entry]:
        with self._pipeline() as pipeline:
            pipeline.zrevrangebyscore(_index_key(owner), "+inf", oldest_kept(), start=offset, num=limit)
            for entry_id in pipeline.execute()[0]:
                pipeline.hget(_row_key(owner, entry_id.decode()), "json")
            texts = pipeline.execute()
        return [load_entry(text) for text in texts if text is not None]  # None: deleted in between

    def count(self, owner: str) -> int:
        with self._pipeline() as pipeline:
            pipeline.zcount(_index_key(owner), oldest_kept(), "+inf")
            return int(pipeline.execute()[0])

    def get(self, owner: str, entry_id: str) -> Entry:
        return load_entry(self._field(owner, entry_id, "json"))

    def thumbnail(self, owner: str, entry_id: str) -> bytes:
        return self._field(owner, entry_id, "jpeg")

    def delete(self, owner: str, entry_id: str) -> None:
        self._drop(owner, [entry_id.encode()])

    def clear(self, owner: str) -> None:
        with self._pipeline() as pipeline:
            pipeline.zrange(_index_key(owner), 0, -1)
            everything: list[bytes] = pipeline.execute()[0]
        self._drop(owner, everything)

    def _field(self, owner: str, entry_id: str, field: str) -> bytes:
        with self._pipeline() as pipeline:
            pipeline.hget(_row_key(owner, entry_id), field)
            value: bytes | None = pipeline.execute()[0]
        if value is None:
            raise NotFound
        return value

    def _drop(self, owner: str, entry_ids: list[bytes]) -> None:
        if entry_ids:
            with self._pipeline() as pipeline:
                pipeline.zrem(_index_key(owner), *entry_ids)
                pipeline.unlink(*(_row_key(owner, entry_id.decode()) for entry_id in entry_ids))
                pipeline.execute()

    @contextmanager
    def _pipeline(self) -> Iterator[Pipeline]:
        try:
            with self._redis.pipeline() as pipeline:  # each execute() is one transaction in one round trip
                yield pipeline
        except RedisError as error:
            metrics.degraded.labels("history").inc()
            raise HistoryUnavailable from error


def _index_key(owner: str) -> str:
    return f"history:{owner}"


def _row_key(owner: str, entry_id: str) -> str:
    return f"history:{owner}:{entry_id}"
