"""What Linux says about this machine's cores."""

from __future__ import annotations

from pathlib import Path

_DESCRIPTION = Path("/proc/cpuinfo")


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
