"""Corrections in Redis, for a site on several machines. No key expires.

corrections         list of corrections, oldest first
corrections:photos  hash of JPEGs by answer
corrections:bytes   how much the two hold
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from itertools import count
from typing import cast

from redis import WatchError
from redis.client import Pipeline

from app.corrections import store
from app.corrections.store import FULL, Correction, dump_correction, load_corrections
from app.errors import CorrectionsUnavailable
from app.storage import ignore
from app.storage.redis import check, connect, transactions

LOG, PHOTOS, BYTES = "corrections", "corrections:photos", "corrections:bytes"
PIECE = 1000  # corrections read at a time, as Redis must answer within a second


class RedisCorrections:
    """A CorrectionStore in the Redis at `url`; connects on first use."""

    def __init__(self, url: str, note_fault: Callable[[], object] = ignore) -> None:
        self._redis = connect(url)
        self._note_fault = note_fault

    def add(self, correction: Correction, photo: bytes | None) -> None:
        text = dump_correction(correction)
        while True:
            with self._pipeline() as pipeline, suppress(WatchError):  # another correction came first
                pipeline.watch(BYTES, PHOTOS)  # type: ignore[no-untyped-call]
                held = int(cast(bytes | None, pipeline.get(BYTES)) or 0)
                freed = pipeline.hstrlen(PHOTOS, correction.answer)
                added = len(text) + len(photo or b"") - freed
                takes_back = freed and photo is None
                if not takes_back and held + added > store.MAX_BYTES:
                    self._note_fault()
                    raise CorrectionsUnavailable(FULL)
                pipeline.multi()
                pipeline.rpush(LOG, text)
                if photo is None:
                    pipeline.hdel(PHOTOS, correction.answer)
                else:
                    pipeline.hset(PHOTOS, correction.answer, photo)
                pipeline.incrby(BYTES, added)
                pipeline.execute()
                return

    def all(self) -> list[Correction]:
        found: list[Correction] = []
        with self._pipeline() as pipeline:
            for start in count(step=PIECE):
                pipeline.lrange(LOG, start, start + PIECE - 1)
                texts = pipeline.execute()[0]
                if not texts:
                    break
                found += load_corrections(texts)
        return found

    def photo(self, answer: str) -> bytes | None:
        with self._pipeline() as pipeline:
            pipeline.hget(PHOTOS, answer)
            jpeg: bytes | None = pipeline.execute()[0]
        return jpeg

    def check(self) -> None:
        check(self._redis, self._fault)

    def _pipeline(self) -> AbstractContextManager[Pipeline]:
        return transactions(self._redis, self._fault)

    def _fault(self, _error: Exception) -> CorrectionsUnavailable:
        self._note_fault()
        return CorrectionsUnavailable()
