"""The machine that figures were taken on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import movistream
from movistream.system.cpu import core_features, usable_cores

_TELLING_FEATURES = (
    *("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "avx512_bf16"),
    *("asimd", "asimddp", "fphp", "asimdhp", "i8mm", "bf16", "sve"),
)
_PACKAGES = ("ai-edge-litert", "tflite-runtime", "numpy")


@dataclass(frozen=True)
class Machine:
    """Where and when figures were taken.

    Attributes:
        cpu: its name.
        cores: that this process may use.
        features: of the CPU, those that matter to kernels.
        memory_bytes: of the machine.
        system: operating system and architecture.
        versions: of Python and packages, by name.
        taken_at: ISO 8601, UTC.
    """

    cpu: str
    cores: int
    features: tuple[str, ...]
    memory_bytes: int
    system: str
    versions: dict[str, str]
    taken_at: str


def describe_machine() -> Machine:
    """This machine, now."""
    features = core_features()
    shared = frozenset.intersection(*features) if features else frozenset()
    versions = {"python": platform.python_version(), "movistream": movistream.__version__}
    for package in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return Machine(
        cpu=_cpu_name(),
        cores=usable_cores(),
        features=tuple(name for name in _TELLING_FEATURES if name in shared),
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions=versions,
        taken_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _cpu_name() -> str:
    """What the board or the CPU calls itself."""
    board = Path("/proc/device-tree/model")
    with suppress(OSError):
        return board.read_text(errors="replace").strip("\0\n ")
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
