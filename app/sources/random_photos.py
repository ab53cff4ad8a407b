"""The "random product photo" button: try the sources in order, within one time budget."""

import logging
from collections.abc import Callable, Collection, Sequence

from app.errors import SourceUnavailable
from app.sources.fetch import CLICK_SECONDS, Deadline
from app.sources.pool import FoundPhoto, Pool, SourceFault

Count = Callable[[str, str], object]

log = logging.getLogger(__name__)


def count_nothing(source: str, outcome: str) -> None:
    """Count no outcomes."""


class RandomPhotos:
    """Finds a random photo in the first of `pools` that has one. Safe for threads.

    Every attempt goes to `count`: the name of the source, and ok or the outcome of a SourceFault.
    """

    def __init__(
        self, pools: Sequence[Pool], count: Count = count_nothing, click_seconds: float = CLICK_SECONDS
    ) -> None:
        self._pools = pools
        self._count = count
        self._click_seconds = click_seconds

    def find(self, seen: Collection[str] = ()) -> FoundPhoto:
        """Find a photo with none of the fingerprints in `seen`, or a seen one if no source has another.

        Raises SourceUnavailable if no source gave one in time.
        """
        deadline = Deadline(self._click_seconds)
        repeated = None
        for number, pool in enumerate(self._pools, start=1):
            # A slow source leaves half of the remaining time to the next ones.
            share = deadline if number == len(self._pools) else Deadline(deadline.left() / 2)
            try:
                found = pool.photo(seen, share)
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
