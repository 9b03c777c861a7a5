"""What comes with the package: the weights of the model, and a photograph to move a camera over."""

from __future__ import annotations

from pathlib import Path

_DATA = Path(__file__).parent / "data"

WEIGHTS = _DATA / "camera_motion.safetensors"
"""As :mod:`.training` trained them; docs/camera-motion.md is their model card."""

NATURAL = _DATA / "natural.csv"
"""Parts of videos, labelled by eye; paths are those of :mod:`.fetching`'s folder."""

PHOTOGRAPH = _DATA / "astronaut.jpg"
"""Eileen Collins by NASA, in the public domain; not part of what the model was trained on."""
