"""What every layer of the vocabulary has: a description that is data, and one row of rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec

Shape: TypeAlias = tuple[int, int, int]
"""(height, width, channels) of one frame; of a vector, the first two are 1."""

StateRole: TypeAlias = Literal["buffer", "pool"]


class LayerError(ValueError):
    """Why a layer does not fit what it reads."""


def _tag(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Layer(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="layer",
    tag=_tag,
):
    """The description of one layer, without its place in a network and without its weights."""


@dataclass(frozen=True)
class LayerState:
    """What a layer remembers from frame to frame.

    Attributes:
        role: ``buffer`` holds past frames, ``pool`` a running mean.
        frames: past frames kept; 1 for a pool.
        shape: of each.
    """

    role: StateRole
    frames: int
    shape: Shape


def _no_weights(_: Any, __: tuple[Shape, ...]) -> dict[str, tuple[int, ...]]:
    return {}


def _no_state(_: Any, __: tuple[Shape, ...]) -> LayerState | None:
    return None


def _no_work(_: Any, __: tuple[Shape, ...], ___: Shape) -> int:
    return 0


def _no_frames(_: Any) -> int:
    return 0


@dataclass(frozen=True)
class Rules:
    """What follows from a layer's description. A rule takes the layer and its inputs' shapes.

    Attributes:
        shape: of its output; raises :class:`LayerError` where the inputs do not fit.
        inputs: how many it reads: least and most.
        weights: shapes by short name.
        state: what it remembers in a stream.
        multiply_adds: for one frame; takes the output's shape too.
        past_frames: how many frames back it looks through a kernel, a window or a delay.
        is_pointwise: it may write over what it reads.
        counts_frames: it needs the number of frames seen.
    """

    shape: Callable[[Any, tuple[Shape, ...]], Shape]
    inputs: tuple[int, int] = (1, 1)
    weights: Callable[[Any, tuple[Shape, ...]], dict[str, tuple[int, ...]]] = _no_weights
    state: Callable[[Any, tuple[Shape, ...]], LayerState | None] = _no_state
    multiply_adds: Callable[[Any, tuple[Shape, ...], Shape], int] = _no_work
    past_frames: Callable[[Any], int] = _no_frames
    is_pointwise: bool = False
    counts_frames: bool = False


def vector_shape(_: Layer, inputs: tuple[Shape, ...]) -> Shape:
    """Of a layer that leaves one number of each channel."""
    return 1, 1, inputs[0][2]


def one_scale(_: Layer, __: tuple[Shape, ...]) -> dict[str, tuple[int, ...]]:
    """The weights of a layer that has a single number."""
    return {"scale": ()}


def same_shape(_: Layer, inputs: tuple[Shape, ...]) -> Shape:
    """Of a layer that works on each number by itself."""
    return inputs[0]


def require(condition: bool, reason: str) -> None:
    """Raises :class:`LayerError` unless a condition holds."""
    if not condition:
        raise LayerError(reason)
