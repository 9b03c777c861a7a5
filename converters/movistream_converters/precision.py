"""The numbers that a file holds its weights in."""

from __future__ import annotations

from enum import Enum


class Precision(str, Enum):
    """Precisions, by the names that the command line gives them.

    ``float16`` halves the weights; an engine turns them into float32 when it loads the file, and
    computes in float32. Biases stay float32: they are few, and add up.
    """

    FLOAT32 = "float32"
    FLOAT16 = "float16"


ERROR_LIMITS: dict[Precision, float] = {Precision.FLOAT32: 1e-4, Precision.FLOAT16: 2e-2}
"""What a file may differ from its network, relative to the largest value."""
