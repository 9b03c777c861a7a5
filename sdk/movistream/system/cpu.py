"""What Linux says about this machine's cores."""

from __future__ import annotations

import os
from pathlib import Path

_DESCRIPTION = Path("/proc/cpuinfo")


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def core_features() -> tuple[frozenset[str], ...]:
    """The names of each core's features; empty where the system does not tell."""
    if not _DESCRIPTION.is_file():
        return ()
    lines = _DESCRIPTION.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(
        frozenset(line.partition(":")[2].split())
        for line in lines
        if line.startswith(("flags", "Features"))
    )
