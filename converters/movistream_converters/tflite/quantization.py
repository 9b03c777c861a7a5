"""Which parts of a step are int8, and what their numbers stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from movistream_converters.tflite.builder import INT8_LOWEST, QuantizationParameters

_STEPS = 255


@dataclass(frozen=True)
class QuantizationPlan:
    """What is stored and computed as int8; everything else is float.

    Attributes:
        tensors: by node: what its output's int8 numbers stand for, where an int8 operator or a
            stream buffer takes it.
        computed: nodes that int8 operators compute, from int8 inputs.
        stored: nodes whose past frames are kept as int8.
        int4_kernels: dense nodes whose kernels are int4; their inputs and outputs are float.
        float_kernels: nodes whose kernels are float32 in a file that has int8 ones elsewhere.
    """

    tensors: Mapping[str, QuantizationParameters] = field(default_factory=dict)
    computed: frozenset[str] = frozenset()
    stored: frozenset[str] = frozenset()
    int4_kernels: frozenset[str] = frozenset()
    float_kernels: frozenset[str] = frozenset()

    def output(self, name: str) -> QuantizationParameters | None:
        """A node's quantisation, if it is computed as int8."""
        return self.tensors[name] if name in self.computed else None


NOTHING_INT8 = QuantizationPlan()


def quantization_of_range(low: float, high: float) -> QuantizationParameters:
    """256 even steps from low to high, one of which is zero exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / _STEPS or 1.0
    return QuantizationParameters(scale, round(INT8_LOWEST - low / scale))
