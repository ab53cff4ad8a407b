"""The "random product photo" button: try the sources in order, within one time budget."""

import logging
from collections.abc import Callable, Collection, Sequence

from app.errors import SourceUnavailable
from app.sources.fetch import CLICK_SECONDS, Deadline
from app.sources.pool import ANY, BasePool, FoundPhoto, SourceFault, Wish

Count = Callable[[str, str], object]

log = logging.getLogger(__name__)


def count_nothing(source: str, outcome: str) -> None:
    """Count no outcomes."""


class RandomPhotos:
    """Finds a random photo in the first of `pools` that has one. Safe for threads.

    Every attempt goes to `count`: the name of the source, and ok or the outcome of a SourceFault.
    `by_category` tells whether a source can be asked for a category.
    """

    def __init__(
        self, pools: Sequence[BasePool], count: Count = count_nothing, click_seconds: float = CLICK_SECONDS
    ) -> None:
        self._pools = pools
        self.by_category = any(pool.by_category for pool in pools)
        self._count = count
        self._click_seconds = click_seconds

    def find(self, seen: Collection[str] = (), wish: Wish = ANY) -> FoundPhoto:
        """Find a photo with none of the fingerprints in `seen`, or a seen one if no source has another.

        Raises SourceUnavailable if no source gave one in time.
        """
        pools = [pool for pool in self._pools if _can_fulfil(pool, wish)]
        deadline = Deadline(self._click_seconds)
        repeated = None
        for number, pool in enumerate(pools, start=1):
            # A slow source leaves half of the remaining time to the next ones.
            left = deadline.left() / (1 if number == len(pools) else 2)
            try:
                found = pool.photo(seen, Deadline(min(left, pool.patience)), wish)
            except SourceFault as fault:
                log.warning("%s gives no photo: %s", pool.name, fault.outcome)
                self._count(pool.name, fault.outcome)
                repeated = repeated or fault.repeated
            else:
                self._count(pool.name, "ok")
                return found
        if repeated:
            return repeated
        raise SourceUnavailable


def _can_fulfil(pool: BasePool, wish: Wish) -> bool:
    return bool(wish.categories) if pool.by_category else not wish.exact
