"""What a process has made lately and may be asked for again."""

import time
from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key")
Thing = TypeVar("Thing")


class Recent(Generic[Key, Thing]):
    """Keeps up to `most` things by key, each for `seconds`. Safe for threads."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._things: OrderedDict[Key, tuple[float, Thing]] = OrderedDict()  # with their ends, earliest first
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._things)

    def get(self, key: Key) -> Thing | None:
        """Return the thing with this key, or None if it is absent or too old."""
        with self._lock:
            self._drop_old()
            _, thing = self._things.get(key, (0.0, None))
            return thing

    def put(self, key: Key, thing: Thing) -> None:
        """Keep a thing, and drop the oldest ones beyond `most`."""
        with self._lock:
            self._drop_old()
            self._things[key] = (time.monotonic() + self._seconds, thing)
            self._things.move_to_end(key)
            if len(self._things) > self._most:
                self._things.popitem(last=False)

    def _drop_old(self) -> None:
        while self._things and next(iter(self._things.values()))[0] <= time.monotonic():
            self._things.popitem(last=False)
