"""Corrections in Redis, for a site on several machines. Nothing of it expires.

corrections         list of corrections, oldest first
corrections:photos  hash of JPEGs by answer
corrections:bytes   how much the two hold
"""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import RedisError
from redis.client import Pipeline

from app.corrections import store
from app.corrections.store import FULL, Correction, dump_correction, load_correction
from app.errors import CorrectionsUnavailable
from app.history.redis import connect
from app.web import metrics

LOG, PHOTOS, BYTES = "corrections", "corrections:photos", "corrections:bytes"
PIECE = 1000  # corrections read at a time, as each answer must come within a second


class RedisCorrections:
    """A CorrectionStore in the Redis at `url`; connects on first use."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)

    def add(self, correction: Correction, photo: bytes | None) -> None:
        text = dump_correction(correction)
        size = len(text) + len(photo or b"")
        with self._pipeline() as pipeline:
            pipeline.get(BYTES)
            pipeline.hstrlen(PHOTOS, correction.answer)
            held, freed = pipeline.execute()
            takes_back = freed and photo is None
            if not takes_back and int(held or 0) + size - freed > store.MAX_BYTES:
                metrics.degraded.labels("corrections").inc()
                raise CorrectionsUnavailable(FULL)
            pipeline.hstrlen(PHOTOS, correction.answer)  # again, as it may be another one by now
            pipeline.rpush(LOG, text)
            if photo is None:
                pipeline.hdel(PHOTOS, correction.answer)
            else:
                pipeline.hset(PHOTOS, correction.answer, photo)
            freed, *_ = pipeline.execute()
            pipeline.incrby(BYTES, size - freed)
            pipeline.execute()

    def all(self) -> list[Correction]:
        found: list[Correction] = []
        with self._pipeline() as pipeline:
            while True:
                pipeline.lrange(LOG, len(found), len(found) + PIECE - 1)
                texts = pipeline.execute()[0]
                if not texts:
                    return found
                found += map(load_correction, texts)

    def photo(self, answer: str) -> bytes | None:
        with self._pipeline() as pipeline:
            pipeline.hget(PHOTOS, answer)
            jpeg: bytes | None = pipeline.execute()[0]
        return jpeg

    @contextmanager
    def _pipeline(self) -> Iterator[Pipeline]:
        try:
            with self._redis.pipeline() as pipeline:  # each execute() is one transaction in one round trip
                yield pipeline
        except RedisError as error:
            metrics.degraded.labels("corrections").inc()
            raise CorrectionsUnavailable from error
