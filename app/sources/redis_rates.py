"""How often each source may be searched, counted in Redis across all machines."""

import logging

from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import RedisError

from app.sources.rates import USUAL, Limits
from app.storage.redis import connect

log = logging.getLogger(__name__)


class RedisSearchLog:
    """A SearchLog in the Redis at `url`; connects on first use."""

    def __init__(self, url: str) -> None:
        storage = RedisStorage(url, connection_pool=connect(url).connection_pool)
        self._window = MovingWindowRateLimiter(storage)

    def admit(self, source: str, limits: Limits = USUAL) -> bool:
        items = [RateLimitItemPerSecond(limit.searches, limit.seconds, "searches") for limit in limits]
        try:
            # One after the other: a search that the second limit forbids counts towards the first.
            return all(self._window.hit(item, source) for item in items)
        except RedisError as error:
            log.warning("searches of photo sources are counted in this process alone: %s", error)
            return True
