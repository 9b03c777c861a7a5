"""How hard the machine works."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from movistream.serve.schema import SystemDescription

_THERMAL_ZONES = Path("/sys/class/thermal")
_THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
_THROTTLED_NOW = 0b1111
"""Under-voltage, frequency capped, throttled, soft temperature limit: the bits that mean now."""

_CPU_ZONES = ("cpu", "x86_pkg", "soc")
_HIGHEST_CELSIUS = 200.0


class SystemWatch:
    """Remembers when it began, and what the CPU had done when it was last asked."""

    def __init__(self) -> None:
        """Begins now."""
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._began_s = time.monotonic()

    def describe(self) -> SystemDescription:
        """The machine now."""
        with self._process.oneshot():
            resident_bytes = self._process.memory_info().rss
            cpu_percent = self._process.cpu_percent()
        return SystemDescription(
            uptime_s=round(time.monotonic() - self._began_s, 1),
            resident_bytes=resident_bytes,
            cpu_percent=round(cpu_percent, 1),
            cpu_celsius=cpu_celsius(),
            throttled=throttled(),
        )


def cpu_celsius(zones: Path = _THERMAL_ZONES) -> float | None:
    """The CPU's temperature; None if the system does not tell."""
    found = []
    for zone in sorted(zones.glob("thermal_zone*")):
        try:
            kind = (zone / "type").read_text().strip().lower()
            degrees = int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            continue
        if kind.startswith(_CPU_ZONES) and 0 < degrees < _HIGHEST_CELSIUS:
            found.append(degrees)
    return max(found, default=None)


def throttled(path: Path = _THROTTLED) -> bool | None:
    """Whether a Raspberry Pi is slowed down now; None on other machines."""
    try:
        return bool(int(path.read_text().strip(), 16) & _THROTTLED_NOW)
    except (OSError, ValueError):
        return None
