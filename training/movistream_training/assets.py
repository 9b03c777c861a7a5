"""What comes with the package: networks and weights of the models in the box, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ROOMS: Mapping[str, str] = MappingProxyType(
    {
        "camera-motion": "camera_motion",
        "camera-motion-small": "camera_motion",
        "camera-health": "camera_health",
    }
)
"""Of each model in the box: the folder of what makes it, beside this module."""

_HERE = Path(__file__).parent


def table_file(model: str) -> Path:
    """A model's network: a table of blocks."""
    return _data_file(f"{model}.txt", model)


def weights_file(model: str) -> Path:
    """A model's weights, as they were trained."""
    return _data_file(f"{model}.safetensors", model)


def _data_file(name: str, model: str) -> Path:
    return _HERE / ROOMS[model] / "data" / name
