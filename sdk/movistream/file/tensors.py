"""What a graph is made of: tensors and the operators between them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

OPTIONAL_TENSOR = -1
"""In place of the index of an operand that is missing."""


class Quantization(msgspec.Struct, frozen=True):
    """value = (stored − zero_point) · scale, per tensor or along one axis.

    Attributes:
        scale: of the first channel.
        largest_scale: of all channels.
        zero_point: of the first channel.
        channels: 1 if the whole tensor shares its scale.
        parameters: all scales and zero points as the file holds them; Python numbers would take
            more memory than the rest of a loaded file's description.
        axis: of the channels.
        symmetric: all zero points are 0.
    """

    scale: float
    largest_scale: float
    zero_point: int
    channels: int
    parameters: bytes
    axis: int
    symmetric: bool


class Tensor(msgspec.Struct, frozen=True):
    """One tensor of a graph.

    Attributes:
        index: in its graph.
        name: in the file.
        shape: all sizes are 1 or more.
        dtype: such as ``float32``.
        bytes: its size.
        position: in the file, of a constant's bytes; None for others.
        quantization: None for none.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    position: int | None
    quantization: Quantization | None

    @property
    def constant(self) -> bool:
        """Whether the file holds its values."""
        return self.position is not None


class Operator(msgspec.Struct, frozen=True):
    """One operator.

    Attributes:
        name: as in the schema.
        inputs: indices of the tensors that it reads; :data:`OPTIONAL_TENSOR` for none.
        outputs: of those that it writes.
        version: of the operator.
        options: by name, those that are not written at their defaults.
        options_type: in the schema's union; 0 for none.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    version: int
    options: Mapping[str, Any] = MappingProxyType({})
    options_type: int = 0
