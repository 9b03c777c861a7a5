"""How much an act raises this process's resident memory at its highest."""

from __future__ import annotations

from collections.abc import Callable

from movistream_benchmarks.process_memory import read_resident_bytes, reset_peak


def peak_bytes_of(act: Callable[[], object]) -> int:
    """Resets the kernel's peak, acts, and takes the difference to what was resident before.

    Raises:
        OSError: if this kernel does not let the peak be reset.
    """
    if not reset_peak():
        raise OSError("this kernel does not let the peak of a process's memory be reset")
    before, _ = read_resident_bytes()
    act()
    _, peak = read_resident_bytes()
    return max(0, peak - before)
