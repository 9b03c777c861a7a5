"""Keras' layers that move numbers: padding, cropping, and other axes for the same numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from movistream_converters.formats.keras_model.description import KerasLayer, refused
from movistream_converters.formats.keras_model.emitting import Emitter
from movistream_converters.formats.keras_model.fields import pairs
from movistream_converters.formats.keras_model.values import Value, with_padding

_LARGEST = 2**31
"""Numbers of a frame."""


def _zero_padding(rank: int, layer: KerasLayer, value: Value, emitter: Emitter) -> Value:
    before, behind, around = _amounts(rank, layer, value, "padding")
    if behind and value.frames_behind < 0:
        raise refused(layer, "puts zeros in the place of a clip's last frames; a stream has no end")
    if min(value.padding) < 0 and max(around) > 0:
        value = _as_is(layer, value, emitter)
    value = replace(
        value,
        zeros_before=value.zeros_before + before,
        frames_behind=value.frames_behind + behind,
    )
    return emitter.delayed(layer, with_padding(value, around) if rank != 1 else value)


def _cropping(rank: int, layer: KerasLayer, value: Value, emitter: Emitter) -> Value:
    before, behind, around = _amounts(rank, layer, value, "cropping")
    if before > value.zeros_before:
        raise refused(
            layer,
            f"takes the first {before - value.zeros_before} frames of a clip away, so that it sees"
            " those to come; crop behind the last one alone",
        )
    value = replace(
        value,
        zeros_before=value.zeros_before - before,
        frames_behind=value.frames_behind - behind,
    )
    top, bottom, left, right = around
    less = with_padding(value, (-top, -bottom, -left, -right)) if rank != 1 else value
    if rank != 1 and min(less.dims) < 1:
        raise refused(layer, f"leaves nothing of {list(value.dims)}")
    return emitter.delayed(layer, less)


def _as_is(layer: KerasLayer, value: Value, emitter: Emitter) -> Value:
    """Padding made real, while time waits."""
    if not value.zeros_before:
        return emitter.plain(layer, value)
    bare = emitter.plain(layer, replace(value, zeros_before=0))
    return replace(bare, zeros_before=value.zeros_before)


def _amounts(
    rank: int, layer: KerasLayer, value: Value, field: str
) -> tuple[int, int, tuple[int, int, int, int]]:
    """Frames before and behind, and pixels around."""
    sides = pairs(layer, field, rank)
    over_time = rank != 2
    if over_time != value.has_time or len(value.dims) != (1 if rank == 1 else 3):
        raise refused(
            layer,
            f"reads frames of {list(value.dims)}"
            + (" and time" if value.has_time else "")
            + "; frames by themselves are padded and cropped in TimeDistributed, or in 3D",
        )
    before, behind = sides[0] if over_time else (0, 0)
    if rank == 1:
        return before, behind, (0, 0, 0, 0)
    if not value.is_frame:
        raise refused(layer, f"reads {list(value.dims)}, made of {list(value.shape)}")
    (top, bottom), (left, right) = sides[-2:]
    return before, behind, (top, bottom, left, right)


def _reshape(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    value = emitter.plain(layer, inputs[0])
    target = layer.config.get("target_shape")
    if not isinstance(target, list) or not all(
        type(size) is int and -1 <= size <= _LARGEST and size != 0 for size in target
    ):
        raise refused(layer, f"has {target!r:.80} as target_shape, which cannot be used")
    sizes = target
    if value.has_time:
        frames = None if emitter.frames is None else emitter.frames + value.frames_behind
        # Where the size that is not told is the first one, it is time if the others make a frame.
        if not target or target[0] not in (-1, frames) or (target[0] == -1 and -1 in target[1:]):
            raise refused(layer, _mixes_frames(target, value))
        sizes = target[1:]
    if sizes.count(-1) == 1:
        known = -math.prod(sizes)
        sizes = [math.prod(value.dims) // known if size == -1 else size for size in sizes]
    if not sizes or min(sizes) < 1 or math.prod(sizes) != math.prod(value.dims):
        raise refused(layer, _mixes_frames(target, value))
    return replace(value, dims=tuple(sizes))


def _mixes_frames(target: list[int], value: Value) -> str:
    return (
        f"makes {target} of frames of {list(value.dims)}, so that frames do not stay apart; begin"
        " the shape with -1 for time, or reshape each frame in TimeDistributed"
    )


def _flatten(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    value = emitter.plain(layer, inputs[0])
    if value.has_time:
        raise refused(
            layer, "makes one vector of all frames of a clip; take TimeDistributed(Flatten())"
        )
    return replace(value, dims=(math.prod(value.dims),))


def _permute(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    value = emitter.plain(layer, inputs[0])
    order, rank = layer.config.get("dims"), value.rank - 1
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(
        map(str, range(1, rank + 1))
    ):
        raise refused(layer, f"has {order!r:.80} as dims, which cannot be used")
    axes = [int(axis) - 1 for axis in order]
    if value.has_time:
        if axes[0] != 0:
            raise refused(layer, "moves time to another axis; a stream has one frame after another")
        axes = [axis - 1 for axis in axes[1:]]
    wide = [axis for axis in axes if value.dims[axis] != 1]
    if wide != sorted(wide):
        raise refused(
            layer,
            f"turns frames of {list(value.dims)} about, which the vocabulary lacks; keep height,"
            " width and channels in their order",
        )
    return replace(value, dims=tuple(value.dims[axis] for axis in axes))


def _of_rank(function: Any, rank: int) -> Any:
    def translate(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
        value: Value = function(rank, layer, inputs[0], emitter)
        return value

    return translate


TABLE = {
    **{f"ZeroPadding{rank}D": _of_rank(_zero_padding, rank) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _of_rank(_cropping, rank) for rank in (1, 2, 3)},
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Permute": _permute,
}
