"""How often one visitor may ask: counted by address, in Redis when there is one, else in each process."""

import logging
import time
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from limits.storage import RedisStorage
from redis import RedisError

from app.settings import OFF, Settings
from app.storage.redis import connect
from app.web import metrics
from app.web.marks import is_marked
from app.web.site import site

IPV6_PREFIX = 64  # what one subscriber gets, who could else come from a new address each time
RETRY_SECONDS = 60  # where the store cannot say when the limit ends

log = logging.getLogger(__name__)


class FailOpenRedis(RedisStorage):
    """Counts in Redis; while it is down nobody is refused."""

    STORAGE_SCHEME = ["fail-open-redis"]  # noqa: RUF012  # limits finds the class by it

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        try:
            return super().incr(key, expiry, amount)
        except RedisError as error:
            log.warning("rate limits unavailable: %s", error)
            metrics.degraded.labels("rate_limits").inc()
            return 0

    def get_expiry(self, key: str) -> float:
        try:
            return super().get_expiry(key)
        except RedisError:
            return time.time() + RETRY_SECONDS


def make_limiter(settings: Settings) -> Limiter:
    """Make what counts the requests of each visitor: those that classify, and those for pages."""
    return Limiter(
        visitor,
        application_limits=[] if settings.rate_limit == OFF else [settings.rate_limit],
        application_limits_exempt_when=lambda: not is_marked("classifies", "costly"),
        default_limits=[] if settings.page_rate_limit == OFF else [settings.page_rate_limit],
        default_limits_exempt_when=lambda: not is_marked("limited"),
        **_storage(settings.redis_url),
    )


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["site"].limiter.init_app(app)


def visitor() -> str:
    """Name who asks: the address, of IPv6 the network of the subscriber.

    A session would not do: who sends no cookie has a new one each time.
    """
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    address = getattr(address, "ipv4_mapped", None) or address  # as IPv4 peers arrive with HOST=::
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def seconds_left() -> int:
    """Say after how many seconds the visitor who was refused may ask again."""
    limit = site().limiter.current_limit
    return max(1, limit.reset_at - int(time.time())) if limit else RETRY_SECONDS


def _storage(redis_url: str) -> dict[str, Any]:
    if not redis_url:
        return {"storage_uri": "memory://"}
    pool = connect(redis_url).connection_pool
    return {"storage_uri": "fail-open-redis://", "storage_options": {"connection_pool": pool}}
