"""Keras' layers that put several inputs together."""

from __future__ import annotations

import numpy as np

from movistream_converters.formats.keras_model.description import OPERATION, KerasLayer, refused
from movistream_converters.formats.keras_model.emitting import Emitter
from movistream_converters.formats.keras_model.fields import is_last_axis
from movistream_converters.formats.keras_model.layers.pointwise import scaled
from movistream_converters.formats.keras_model.values import Value
from movistream_converters.ir.layers import Add, Concatenate, Multiply

_MOST = 64


def _add(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    return _chain(layer, Add(), inputs, emitter)


def _multiply(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    return _chain(layer, Multiply(), inputs, emitter)


def _subtract(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    if len(inputs) != 2:
        raise refused(layer, f"has {len(inputs)} inputs, not 2")
    less = scaled(layer, inputs[1], emitter, -1.0, "negative")
    return _chain(layer, Add(), (inputs[0], less), emitter)


def _average(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    total = _chain(layer, Add(), inputs, emitter, "sum")
    return scaled(layer, total, emitter, 1.0 / len(inputs), "")


def _chain(
    layer: KerasLayer,
    what: Add | Multiply,
    inputs: tuple[Value, ...],
    emitter: Emitter,
    suffix: str = "",
) -> Value:
    """One after the other; the vocabulary takes two at once."""
    _check_count(layer, inputs)
    if len({len(value.dims) for value in inputs}) > 1:
        frames = " and ".join(str(list(value.dims)) for value in inputs)
        raise refused(layer, f"joins frames of {frames}; reshape them to as many axes")
    if not (
        all(value.has_channels for value in inputs)
        or len({(value.dims, value.shape) for value in inputs}) == 1
    ):
        raise refused(layer, "joins what was a frame and is flat now; join the frames")
    total = inputs[0]
    for number, value in enumerate(inputs[1:], start=2):
        try:
            dims = tuple(int(n) for n in np.broadcast_shapes(total.dims, value.dims))
        except ValueError:
            raise refused(
                layer, f"joins frames of {list(total.dims)} and {list(value.dims)}"
            ) from None
        is_last = number == len(inputs)
        name = suffix if is_last else ".".join(filter(None, (suffix, str(number))))
        total = emitter.add(layer, what, total, value, suffix=name, dims=dims)
    return total


def _concatenate(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    _check_count(layer, inputs)
    if not is_last_axis(layer, inputs[0].rank):
        raise refused(
            layer,
            f"joins along axis {layer.config.get('axis')!r:.40}; only channels, the last axis, can"
            " be",
        )
    if not all(value.has_channels for value in inputs):
        raise refused(layer, "joins what was a frame and is flat now; join the frames")
    channels = sum(value.shape[2] for value in inputs)
    dims = (*inputs[0].dims[:-1], channels)
    return emitter.add(layer, Concatenate(), *inputs, dims=dims)


def _check_count(layer: KerasLayer, inputs: tuple[Value, ...]) -> None:
    if not 2 <= len(inputs) <= _MOST:
        raise refused(layer, f"has {len(inputs)} inputs, not 2 to {_MOST}")


TABLE = {
    "Add": _add,
    "Multiply": _multiply,
    "Subtract": _subtract,
    "Average": _average,
    "Concatenate": _concatenate,
    f"{OPERATION}Add": _add,
    f"{OPERATION}Multiply": _multiply,
    f"{OPERATION}Subtract": _subtract,
}
