"""What comes with the package: the weights of the model, and a photograph to move a camera over."""

from __future__ import annotations

from pathlib import Path

_DATA = Path(__file__).parent / "data"

WEIGHTS = _DATA / "camera_motion.safetensors"
"""As :mod:`.training` trained them; docs/camera-motion.md is their model card."""

PHOTOGRAPH = _DATA / "astronaut.jpg"
"""Eileen Collins by NASA, in the public domain; not part of what the model was trained on."""
