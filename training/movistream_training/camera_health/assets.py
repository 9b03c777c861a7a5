"""What comes with the package: networks and weights of the models in the box, by name."""

from __future__ import annotations

from pathlib import Path

MODELS = ("camera-health",)

_DATA = Path(__file__).parent / "data"


def table_file(model: str) -> Path:
    """A model's network: a table of blocks."""
    return _DATA / f"{model}.txt"


def weights_file(model: str) -> Path:
    """A model's weights, as :mod:`.training` trained them."""
    return _DATA / f"{model}.safetensors"
