"""How much one visitor may ask for: counted by address, in Redis if there is one, else in each process."""

import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from flask import Flask, g, request
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
from redis import RedisError

from app.errors import TooManyRequests
from app.keys import ApiKey
from app.settings import OFF, Settings
from app.storage.redis import connect
from app.texts import Text
from app.web import metrics
from app.web.marks import is_marked
from app.web.site import site

IPV6_PREFIX = 64  # the network of one subscriber, who could otherwise use a new address each time
SWEEP_SECONDS = 60  # how often the counts of visitors whose time has passed are dropped
RETRY_SECONDS = 60  # if the store cannot say when the limit ends
TOO_MUCH = Text("These photos exceed what one visitor may send at a time. Send fewer or smaller ones.")

log = logging.getLogger(__name__)


class Counts(MemoryStorage):
    """Counts in this process, without the thread that its base starts at each hit to drop what has ended."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._swept = time.time()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        with self._lock:
            if now > self._swept + SWEEP_SECONDS:
                self._swept = now
                for ended in [name for name, end in self.expirations.items() if end <= now]:
                    self.clear(ended)
            self.get(key)  # drops a window that has ended
            self.storage[key] += amount
            self.expirations.setdefault(key, now + expiry)
            return self.storage[key]


class FailOpenRedis(RedisStorage):
    """Counts in Redis, and refuses nobody while Redis is down."""

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        try:
            return super().incr(key, expiry, amount)
        except RedisError as error:
            log.warning("rate limits unavailable: %s", error)
            metrics.degraded.labels("rate_limits").inc()
            return 0

    def get(self, key: str) -> int:
        try:
            return super().get(key)
        except RedisError:
            return 0

    def get_expiry(self, key: str) -> float:
        try:
            return super().get_expiry(key)
        except RedisError:
            return time.time() + RETRY_SECONDS


class Budget:
    """How many units each visitor may spend in a period. Safe for threads and, in Redis, for processes."""

    def __init__(self, name: str, rates: str, storage: Storage) -> None:
        """Make a budget that counts under `name`; `rates` are written as in RATE_LIMIT."""
        self._name = name
        self._rates = [] if rates == OFF else parse_many(rates)
        self._counter = FixedWindowRateLimiter(storage)

    def spend(self, who: str, units: int = 1, spent: int = 0) -> None:
        """Count the units of a request that has already `spent` some.

        Several units count together or not at all. Raises TooManyRequests if they exceed the budget.
        """
        for rate in self._rates:
            if units > 1 and not self._counter.test(rate, self._name, who, cost=units):
                raise self._refuse(rate, who, units + spent)
        for rate in self._rates:
            if not self._counter.hit(rate, self._name, who, cost=units):
                raise self._refuse(rate, who, units + spent)

    def _refuse(self, rate: RateLimitItem, who: str, wanted: int) -> TooManyRequests:
        metrics.refused.labels("rate_limit").inc()
        end, _ = self._counter.get_window_stats(rate, self._name, who)
        seconds = max(1, int(end - time.time()))
        return TooManyRequests(seconds, TOO_MUCH if wanted > rate.amount else None)


@dataclass(frozen=True)
class Budgets:
    """What each visitor may spend on work and on pages, and each API key, by its name, on work."""

    work: Budget
    pages: Budget
    keys: dict[str, Budget]


def make_budgets(settings: Settings) -> Budgets:
    """Make the budgets that the settings ask for."""
    if settings.redis_url:
        pool = connect(settings.redis_url).connection_pool
        storage: Storage = FailOpenRedis(settings.redis_url, connection_pool=pool)
    else:
        storage = Counts()
    return Budgets(
        Budget("work", settings.rate_limit, storage),
        Budget("pages", settings.page_rate_limit, storage),
        {key.name: Budget("key", key.rate, storage) for key in settings.api_keys},
    )


def init_app(app: Flask, settings: Settings) -> None:
    app.before_request(count_request)


def count_request() -> None:
    """Count a request before its body is read: one unit, which is also the first that its photos cost."""
    if is_marked("classifies", "costly"):
        _spend()
    elif is_marked("limited"):
        count_page()


def count_page() -> None:
    """Count a page. Raises TooManyRequests."""
    site().budgets.pages.spend(visitor())


def charge(units: int) -> None:
    """Count the cost of a request beyond its first unit. Raises TooManyRequests."""
    if units > 1:
        _spend(units - 1, spent=1)


def current_key() -> ApiKey | None:
    """Return the API key of this request, if it has one; it has been checked."""
    key: ApiKey | None = g.get("api_key")
    return key


def counts_work() -> bool:
    """Return whether the work of this request counts towards a limit at all."""
    key = current_key()
    return (key.rate if key else site().settings.rate_limit) != OFF


def _spend(units: int = 1, spent: int = 0) -> None:
    """Count work: for the API key, whoever uses it, else for the visitor."""
    if key := current_key():
        site().budgets.keys[key.name].spend(key.name, units, spent)
    else:
        site().budgets.work.spend(visitor(), units, spent)


def visitor() -> str:
    """Return the address of the visitor; for IPv6, the network of the subscriber.

    A session would not do: a client that sends no cookie gets a new one each time.
    """
    return _network(request.remote_addr or "")


@lru_cache(1000)
def _network(remote: str) -> str:
    try:
        address = ip_address(remote)
    except ValueError:
        return "unknown"
    address = getattr(address, "ipv4_mapped", None) or address  # the form of IPv4 clients with HOST=::
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)
