"""What comes with the package: the weights of the model."""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path(__file__).parent / "data" / "camera_motion.safetensors"
"""As :mod:`.training` trained them; docs/camera-motion.md is their model card."""
