"""How much memory a process may still take: asked before something large is allocated."""

from __future__ import annotations

import os
from pathlib import Path

from diaphane.errors import TooLargeError

MEMINFO, STATM = Path("/proc/meminfo"), Path("/proc/self/statm")
CGROUPS = tuple((Path("/sys/fs/cgroup", most), Path("/sys/fs/cgroup", now)) for most, now in (
    ("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
))  # fmt: skip
"""Limit and use of a container, of the second and of the first version of control groups."""


def free_bytes(limit: int | None = None) -> int | None:
    """What the system can give without swapping, what a container's limit leaves, or what ``limit`` leaves of this process; None where nothing says."""
    found = [_available(), *(_left(most, now) for most, now in CGROUPS), None if limit is None else max(0, limit - _taken())]
    return min((n for n in found if n is not None), default=None)


def check(needed: int, limit: int | None, what: str, advice: str) -> None:
    """Before ``needed`` bytes are allocated for ``what``, where the process may take ``limit`` bytes in all.

    Raises:
        TooLargeError: There are not as many; it ends with ``advice``.
    """
    free = free_bytes(limit)
    if free is None or needed <= free:
        return
    left = f"{size(free)} are free"
    if limit is not None and free == max(0, limit - _taken()):
        left = f"of the limit of {size(limit)} (memory_mb) {size(_taken())} are taken"
    raise TooLargeError(f"{what} needs {size(needed)} of memory beside what is there, {left}; {advice}")


def size(count: int) -> str:
    """In words."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _taken() -> int:
    """By this process, in memory; 0 where the system does not say."""
    try:
        return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _available() -> int | None:
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return None


def _left(most: Path, now: Path) -> int | None:
    """Of a container; None where there is none, or it has no limit."""
    try:
        return max(0, int(most.read_text(encoding="ascii")) - int(now.read_text(encoding="ascii")))
    except (OSError, ValueError):  # 'max': no limit
        return None
