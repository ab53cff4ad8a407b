"""The history in Redis, for a site on several machines.

history:<owner>          sorted set of entry ids by their time in seconds
history:<owner>:<id>     hash with the fields json, jpeg, jpeg1, jpeg2...; it expires by itself
summaries:<owner>        hash of summaries by entry id
discarded:<owner>        sorted set of the ids of discarded sets
discarded:<owner>:<id>   hash of the summaries in one such set; it expires by itself, and so do its rows
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from redis.client import Pipeline

from app.errors import HistoryUnavailable, NotFound
from app.history.entry import (
    KEPT_FOR,
    MAX_ENTRIES,
    UNDO_FOR,
    Discarded,
    Entry,
    discard_now,
    dump_entry,
    load_entries,
    load_entry,
    oldest_discarded,
    oldest_kept,
)
from app.history.summary import Summary, dump_summary, load_summaries, summarise
from app.storage import ignore
from app.storage.redis import check, connect, transactions

GRACE = timedelta(minutes=1)  # discarded rows outlive their set, so that an undo finds all of it


class RedisHistory:
    """A HistoryStore in the Redis at `url`; connects on first use."""

    def __init__(self, url: str, note_fault: Callable[[], object] = ignore) -> None:
        self._redis = connect(url)
        self._note_fault = note_fault

    def add(self, owner: str, entry: Entry, *thumbnails: bytes) -> None:
        index, row, summaries = _index_key(owner), _row_key(owner, entry.id), _summaries_key(owner)
        with self._pipeline() as pipeline:
            copies: dict[Any, bytes] = {_field_of(place): jpeg for place, jpeg in enumerate(thumbnails)}
            pipeline.hset(row, mapping={"json": dump_entry(entry, *thumbnails), **copies})
            pipeline.pexpireat(row, entry.created + KEPT_FOR)
            pipeline.zadd(index, {entry.id: entry.created.timestamp()})
            pipeline.expire(index, KEPT_FOR)
            pipeline.hset(summaries, entry.id, dump_summary(summarise(entry)))
            pipeline.expire(summaries, KEPT_FOR)
            pipeline.zrangebyscore(index, "-inf", f"({oldest_kept()}")
            pipeline.zrange(index, 0, -MAX_ENTRIES - 1)
            *_, expired, oldest = pipeline.execute()
        self._drop(owner, {*expired, *oldest})

    def page(self, owner: str, offset: int, limit: int) -> list[Entry]:
        with self._pipeline() as pipeline:
            pipeline.zrevrangebyscore(_index_key(owner), "+inf", oldest_kept(), start=offset, num=limit)
            for entry_id in pipeline.execute()[0]:
                pipeline.hget(_row_key(owner, entry_id.decode()), "json")
            texts = pipeline.execute()
        return load_entries(text for text in texts if text is not None)  # None: deleted meanwhile

    def count(self, owner: str) -> int:
        with self._pipeline() as pipeline:
            pipeline.zcount(_index_key(owner), oldest_kept(), "+inf")
            return int(pipeline.execute()[0])

    def get(self, owner: str, entry_id: str) -> Entry:
        return load_entry(self._field(owner, entry_id, "json"))

    def thumbnail(self, owner: str, entry_id: str, place: int = 0) -> bytes:
        return self._field(owner, entry_id, _field_of(place))

    def entries(self, owner: str, entry_ids: Sequence[str]) -> list[Entry]:
        return load_entries(self._fields(owner, entry_ids, "json"))

    def correct(self, owner: str, entry_id: str, correction: dict[str, Any] | None) -> None:
        row = _row_key(owner, entry_id)
        with self._pipeline() as pipeline:
            pipeline.watch(row)  # type: ignore[no-untyped-call]  # else a row deleted meanwhile would come back without its photo
            entry = replace(self.get(owner, entry_id), correction=correction)
            pipeline.multi()
            pipeline.hset(row, "json", dump_entry(entry))
            pipeline.pexpireat(row, entry.created + KEPT_FOR)
            pipeline.hset(_summaries_key(owner), entry.id, dump_summary(summarise(entry)))
            pipeline.execute()

    def summaries(self, owner: str) -> list[Summary]:
        with self._pipeline() as pipeline:
            pipeline.hvals(_summaries_key(owner))
            [lines] = pipeline.execute()
        oldest = oldest_kept()
        summaries = [summary for summary in load_summaries(lines) if summary.created >= oldest]
        return sorted(summaries, key=attrgetter("created"), reverse=True)

    def discard(self, owner: str, entry_ids: Sequence[str]) -> None:
        now, ids = discard_now(), set(entry_ids)
        chosen = [summary for summary in self.summaries(owner) if summary.id in ids]
        if not chosen:
            return
        sets, this_set = _discarded_key(owner), _discarded_key(owner, now)
        with self._pipeline() as pipeline:
            _take_out(pipeline, owner, [summary.id for summary in chosen])
            for summary in chosen:
                pipeline.pexpire(_row_key(owner, summary.id), UNDO_FOR + GRACE)
            pipeline.hset(this_set, mapping=_lines(chosen))
            pipeline.pexpire(this_set, UNDO_FOR)
            pipeline.zadd(sets, {str(now): now})
            pipeline.zremrangebyscore(sets, "-inf", f"({oldest_discarded()}")
            pipeline.pexpire(sets, UNDO_FOR)
            pipeline.execute()

    def last_discarded(self, owner: str) -> Discarded | None:
        with self._pipeline() as pipeline:
            pipeline.zrevrangebyscore(_discarded_key(owner), "+inf", oldest_discarded(), start=0, num=1)
            found = pipeline.execute()[0]
            if not found:
                return None
            discarded_id = int(found[0])
            pipeline.hlen(_discarded_key(owner, discarded_id))
            count = int(pipeline.execute()[0])
        return Discarded(discarded_id, count) if count else None

    def restore(self, owner: str, discarded_id: int) -> int:
        this_set = _discarded_key(owner, discarded_id)
        with self._pipeline() as pipeline:
            pipeline.hvals(this_set)
            summaries = load_summaries(pipeline.execute()[0])
            if not summaries or discarded_id < oldest_discarded():
                return 0
            pipeline.zadd(_index_key(owner), {summary.id: summary.created for summary in summaries})
            pipeline.expire(_index_key(owner), KEPT_FOR)
            pipeline.hset(_summaries_key(owner), mapping=_lines(summaries))
            pipeline.expire(_summaries_key(owner), KEPT_FOR)
            for summary in summaries:
                pipeline.pexpireat(
                    _row_key(owner, summary.id), datetime.fromtimestamp(summary.created, UTC) + KEPT_FOR
                )
            pipeline.unlink(this_set)
            pipeline.zrem(_discarded_key(owner), discarded_id)
            pipeline.execute()
        return len(summaries)

    def clear(self, owner: str) -> None:
        with self._pipeline() as pipeline:
            pipeline.zrange(_index_key(owner), 0, -1)
            pipeline.zrange(_discarded_key(owner), 0, -1)
            ids, sets = pipeline.execute()
            for discarded_id in sets:
                pipeline.hkeys(_discarded_key(owner, int(discarded_id)))
            for discarded in pipeline.execute():
                ids += discarded
            for discarded_id in sets:
                pipeline.unlink(_discarded_key(owner, int(discarded_id)))
            pipeline.unlink(_discarded_key(owner))
            pipeline.execute()
        self._drop(owner, ids)

    def sweep(self) -> None:
        """Do nothing: Redis itself drops what has expired."""

    def check(self) -> None:
        check(self._redis, self._fault)

    def _field(self, owner: str, entry_id: str, field: str) -> bytes:
        for value in self._fields(owner, [entry_id], field):
            return value
        raise NotFound

    def _fields(self, owner: str, entry_ids: Sequence[str], field: str) -> list[bytes]:
        """Return one field of each of these entries that the index has."""
        with self._pipeline() as pipeline:
            for entry_id in entry_ids:
                pipeline.zscore(_index_key(owner), entry_id)
                pipeline.hget(_row_key(owner, entry_id), field)
            answers = pipeline.execute()
        return [
            value
            for score, value in zip(answers[::2], answers[1::2], strict=True)
            if None not in (score, value)
        ]

    def _drop(self, owner: str, entry_ids: Collection[bytes]) -> None:
        if entry_ids:
            ids = [entry_id.decode() for entry_id in entry_ids]
            with self._pipeline() as pipeline:
                _take_out(pipeline, owner, ids)
                pipeline.unlink(*(_row_key(owner, entry_id) for entry_id in ids))
                pipeline.execute()

    def _pipeline(self) -> AbstractContextManager[Pipeline]:
        return transactions(self._redis, self._fault)

    def _fault(self, _error: Exception) -> HistoryUnavailable:
        self._note_fault()
        return HistoryUnavailable()


def _field_of(place: int) -> str:
    return f"jpeg{place or ''}"


def _take_out(pipeline: Pipeline, owner: str, entry_ids: Iterable[str]) -> None:
    pipeline.zrem(_index_key(owner), *entry_ids)
    pipeline.hdel(_summaries_key(owner), *entry_ids)


def _lines(summaries: Iterable[Summary]) -> dict[Any, bytes]:
    return {summary.id: dump_summary(summary) for summary in summaries}


def _index_key(owner: str) -> str:
    return f"history:{owner}"


def _row_key(owner: str, entry_id: str) -> str:
    return f"history:{owner}:{entry_id}"


def _summaries_key(owner: str) -> str:
    return f"summaries:{owner}"


def _discarded_key(owner: str, discarded_id: int | None = None) -> str:
    return f"discarded:{owner}" if discarded_id is None else f"discarded:{owner}:{discarded_id}"
