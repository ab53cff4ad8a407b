"""How many cores this process may use."""

import os
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path

QUOTAS = (
    ("cpu.max",),
    ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
)  # of Linux control groups, versions 2 and 1


def usable_cores(root: Path = Path("/")) -> int:
    """Count the cores that this process may use, up to the CPU quota of its container.

    A quota of 1.5 cores counts as two, as in Go 1.25. `root` is the folder of /proc and /sys.
    """
    return max(1, min([visible_cores(), *map(ceil, _quotas(root))]))


def visible_cores() -> int:
    """Count the cores on which this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """Yield the quota, in cores, of each control group of this process."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        top = root / "sys/fs/cgroup" / controllers
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            yield from _quota(folder)
            if folder == top:
                break


def _quota(folder: Path) -> Iterator[float]:
    for names in QUOTAS:
        with suppress(OSError, ValueError):  # there is no quota, or it is "max"
            quota, period = (float(word) for name in names for word in (folder / name).read_text().split())
            if quota > 0:
                yield quota / period
