"""Memory of this process, as Linux accounts it."""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CLEAR = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"
"""What resets the peak; see proc(5)."""


@dataclass(frozen=True)
class Memory:
    """Bytes of this process at one moment.

    Attributes:
        private_dirty_bytes: in no file and in no other process: what a system cannot take back
            without ending the process.
        resident_bytes: all that is in memory, mapped files and shared libraries included.
    """

    private_dirty_bytes: int
    resident_bytes: int


def read_memory() -> Memory:
    """The memory of this process now."""
    fields = _fields(Path("/proc/self/smaps_rollup"))
    return Memory(fields["Private_Dirty"], fields["Rss"])


def read_resident_bytes() -> tuple[int, int]:
    """Resident memory now, and its highest since the process began or the last reset, in bytes."""
    fields = _fields(Path("/proc/self/status"))
    return fields["VmRSS"], fields["VmHWM"]


def reset_peak() -> bool:
    """Lets the peak begin anew; returns whether this kernel does that."""
    with suppress(OSError):
        _CLEAR.write_text(_FORGET_PEAK, encoding="ascii")
        return True
    return False


def peak_bytes_of_life() -> int:
    """The highest resident memory since the process began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _fields(path: Path) -> dict[str, int]:
    """Lines such as ``VmRSS:   1234 kB``, in bytes."""
    found = {}
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "kB":
            found[words[0].rstrip(":")] = int(words[1]) * 1024
    return found
