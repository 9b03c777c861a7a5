"""The numbers that a file holds its weights in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum


class Precision(str, Enum):
    """Precisions, by the names that the command line gives them.

    ``float16`` halves the weights; an engine turns them into float32 when it loads the file, and
    computes in float32. ``dynamic`` holds the kernels of convolutions and dense layers as int8,
    with a scale per output channel; an engine brings their inputs to int8 as they come, and gives
    float32 back. Depthwise kernels stay float32, and so does everything that is added up: biases,
    pools, the clock. ``int8`` computes most convolutions in int8, and keeps stream buffers in int8;
    its ranges come from videos.
    """

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    DYNAMIC = "dynamic"
    INT8 = "int8"


@dataclass(frozen=True)
class ErrorLimits:
    """What a file may differ from its network, relative to the largest value."""

    logits: float
    states: float


ERROR_LIMITS: dict[Precision, ErrorLimits] = {
    Precision.FLOAT32: ErrorLimits(1e-4, 1e-4),
    Precision.FLOAT16: ErrorLimits(1e-4, 1e-4),
    Precision.DYNAMIC: ErrorLimits(5e-1, 5e-1),
    Precision.INT8: ErrorLimits(5e-1, math.inf),
}
"""Below float32, from the network with the kernels that the file holds.

Where activations become int8 these only tell a file that works from one that is broken. Int8 states
have no limit: their ranges leave out rare large values on purpose.
"""

DYNAMIC_INPUTS = 32
"""A kernel with fewer inputs per output stays float32 in a dynamic file.

Bringing an input to int8 costs a pass over it, which so few multiply-adds do not win back. A0 at
172 × 172, one thread of an x86 server: 1.74 ms a step with this limit, 2.08 ms with every kernel of
20 inputs or more in int8, 2.00 ms with only the dense layers.
"""
