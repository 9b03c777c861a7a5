"""What tells one machine's way of running a model from another's."""

from __future__ import annotations

import importlib.metadata
import platform

from movistream.system.cpu import core_features

_PACKAGES = ("ai-edge-litert", "tflite-runtime")


def engine_identity() -> str:
    """The engines' versions and the CPU's features, a line each."""
    features = sorted({" ".join(sorted(core)) for core in core_features()})
    return "\n".join([*map(_version, _PACKAGES), platform.machine(), *features])


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"no {package}"
