"""How often each source may be searched, counted in Redis across all machines."""

import logging

from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import RedisError

from app.sources.rates import SEARCHES, WINDOW_SECONDS
from app.storage.redis import connect

log = logging.getLogger(__name__)


class RedisSearchLog:
    """A SearchLog in the Redis at `url`; connects on first use."""

    def __init__(self, url: str) -> None:
        storage = RedisStorage(url, connection_pool=connect(url).connection_pool)
        self._window = MovingWindowRateLimiter(storage)
        self._limit = RateLimitItemPerSecond(SEARCHES, WINDOW_SECONDS, "searches")

    def admit(self, source: str) -> bool:
        try:
            return self._window.hit(self._limit, source)
        except RedisError as error:
            log.warning("searches of photo sources are counted in this process alone: %s", error)
            return True
