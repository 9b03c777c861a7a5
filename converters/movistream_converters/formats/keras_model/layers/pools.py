"""Keras' layers that summarise pixels of one frame; those that summarise frames are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from movistream_converters.formats.keras_model.description import KerasLayer, refused
from movistream_converters.formats.keras_model.emitting import Emitter
from movistream_converters.formats.keras_model.fields import choice, flag, integers
from movistream_converters.formats.keras_model.layers.convolutions import spatial_padding
from movistream_converters.formats.keras_model.values import NO_PADDING, Value
from movistream_converters.ir.layers import (
    UNPADDED,
    Activation,
    ActivationFunction,
    Pool,
    SpatialMean,
)

_Kind = Literal["average", "max"]
_POSITIVE = (ActivationFunction.RELU, ActivationFunction.RELU6)


def _pool(
    rank: int, kind: _Kind, layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter
) -> Value:
    value, over_time = inputs[0], rank != 2
    size = integers(layer, "pool_size", rank, 2)
    given = layer.config.get("strides")
    strides = size if given is None else integers(layer, "strides", rank)
    padding = choice(layer, "padding", ("valid", "same"), "valid")
    if over_time != value.has_time or len(value.dims) != (1 if rank == 1 else 3):
        raise refused(
            layer,
            f"reads frames of {list(value.dims)}"
            + (" and time" if value.has_time else "")
            + "; pools of a frame by itself are MaxPooling2D and AveragePooling2D in"
            " TimeDistributed, or those in 3D with a size of 1 in time",
        )
    if over_time and (size[0], strides[0]) != (1, 1):
        raise refused(
            layer,
            f"summarises {size[0]} frames, {strides[0]} apart; a stream answers every frame: take a"
            " size and a stride of 1 in time",
        )
    if rank == 1:
        return value
    value, around = _inside(layer, kind, value, emitter, padding)
    pool = Pool(
        kind,
        (size[-2], size[-1]),
        (strides[-2], strides[-1]),
        around,
        counts_padding=kind == "average" and around not in ("same", UNPADDED),
    )
    return emitter.add(layer, pool, value)


def _inside(
    layer: KerasLayer, kind: _Kind, value: Value, emitter: Emitter, padding: str
) -> tuple[Value, Any]:
    """A frame, and the padding of a pool that does to it what zeros around it do."""
    size = integers(layer, "pool_size", 3 if value.has_time else 2, 2)[-2:]
    top, bottom, left, right = value.padding
    in_reach = max(top, bottom) < size[0] and max(left, right) < size[1]
    node = next((node for node in emitter.nodes if node.name == value.node), None)
    # Where nothing is below zero, a zero is no larger than what else is in a window.
    is_positive = (
        node is not None and isinstance(node.layer, Activation) and node.layer.function in _POSITIVE
    )
    if any(value.padding) and not (in_reach and (kind == "average" or is_positive)):
        value = emitter.plain(layer, value)
    return spatial_padding(layer, value, emitter, padding)


def _global_pool(
    rank: int, kind: _Kind, layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter
) -> Value:
    value = emitter.plain(layer, inputs[0])
    if value.has_time:
        raise refused(
            layer,
            "summarises all frames of a clip, and a stream has no end; take"
            " TimeDistributed(GlobalAveragePooling2D()) for the pixels of each frame, or register a"
            " translation of it that says what it means so far",
        )
    if len(value.dims) != rank + 1 or not value.has_channels:
        raise refused(layer, f"reads frames of {list(value.dims)}, made of {list(value.shape)}")
    if kind == "average":
        y = emitter.add(layer, SpatialMean(), value)
    else:
        whole = value.shape[0], value.shape[1]
        y = emitter.add(layer, Pool("max", whole, whole, UNPADDED), value)
    channels = value.shape[2]
    ones = (1,) * rank if flag(layer, "keepdims", False) else ()
    return replace(y, dims=(*ones, channels), padding=NO_PADDING)


def _of(function: Any, rank: int, kind: _Kind) -> Any:
    def translate(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
        value: Value = function(rank, kind, layer, inputs, emitter)
        return value

    return translate


TABLE = {
    **{f"MaxPooling{rank}D": _of(_pool, rank, "max") for rank in (1, 2, 3)},
    **{f"AveragePooling{rank}D": _of(_pool, rank, "average") for rank in (1, 2, 3)},
    **{f"GlobalMaxPooling{rank}D": _of(_global_pool, rank, "max") for rank in (1, 2, 3)},
    **{f"GlobalAveragePooling{rank}D": _of(_global_pool, rank, "average") for rank in (1, 2, 3)},
}
