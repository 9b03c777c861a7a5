"""Operators with weights: convolutions, products with matrices, normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.values import NO_PADS, Frames
from movistream_converters.formats.exported_program.windows import (
    AXES,
    Window,
    added,
    check_channels,
    frames_of,
    in_time,
    padding_of,
    placed,
    windows_of,
)
from movistream_converters.ir.layers import (
    BatchNormalization,
    ChannelNormalization,
    Convolution,
    Dense,
)


def _convolution(call: Call) -> Value:
    if call.get("transposed", False):
        call.refuse("is transposed, which the vocabulary lacks")
    value = frames_of(call, "input")
    weight, bias = call.array("weight"), call.array("bias")
    if weight is None or weight.ndim < 3:
        call.refuse("has no weights")
    count = weight.ndim - 2
    kernel = weight.shape[2:]
    stride = call.integers("stride", count, 1)
    dilation = call.integers("dilation", count, 1)
    if len(value.dimensions) != count + 2:
        call.refuse(f"reads {list(value.sizes)}; export with a batch of one clip")
    check_channels(call, value, 1)
    padding = padding_of(call, kernel, dilation)
    windows = windows_of(
        call,
        value,
        [
            Window(taps, step, gap, *pads)
            for taps, step, gap, pads in zip(kernel, stride, dilation, padding, strict=True)
        ],
    )
    if min(weight.shape) < 1 or min(stride) < 1 or min(dilation) < 1:
        call.refuse(f"has weights of {list(weight.shape)}, stride {stride}, dilation {dilation}")
    time, height, width = (windows.get(axis, Window()) for axis in AXES)
    places = [w.place for w in (time, height, width) if w.place is not None]
    # What is no axis of frames has one tap.
    order = [*places, *(place for place in range(count) if place not in places)]
    filters, groups = weight.shape[0], call.integer("groups", 1)
    if weight.shape[1] * groups != value.shape[2]:
        call.refuse(f"has weights of {list(weight.shape)} for {value.shape[2]} channels")
    taps = (time.taps, height.taps, width.taps)
    turned = weight.transpose([2 + place for place in order] + [1, 0])
    turned = turned.reshape(*taps, weight.shape[1], filters)
    depthwise = groups > 1 and groups == value.shape[2] == filters
    layer = Convolution(
        filters,
        taps,
        (height.stride, width.stride),
        depthwise=depthwise,
        bias=bias is not None,
        groups=1 if depthwise else groups,
        dilation=(time.dilation, height.dilation, width.dilation),
        padding=added(value.pads, height, width),
    )
    weights = {"kernel": turned[:, :, :, 0] if depthwise else turned}
    if bias is not None:
        weights["bias"] = bias
    seen = in_time(call, replace(value, pads=NO_PADS), time, keeps_zero=bias is None)
    node = call.add(layer, seen.node, weights=weights, begins=seen.begins if time.reach else 0)
    seen = replace(seen, begins=0) if time.reach else seen
    return placed(call, seen, node, {1: "C"}, windows, count)


def _batch_norm(call: Call) -> Value:
    training = call.get("training", False)
    if training:
        call.refuse("is in training: call model.eval() before torch.export.export")
    value = call.known(call.frames("input"))
    check_channels(call, value, 1)
    channels = value.shape[2]
    defaults = {"gamma": 1.0, "beta": 0.0, "mean": None, "variance": None}
    names = ("weight", "bias", "running_mean", "running_var")
    weights: dict[str, npt.NDArray[Any]] = {}
    for (name, default), given in zip(defaults.items(), names, strict=True):
        array = call.array(given)
        if array is None:
            if default is None:
                call.refuse("has no statistics, so it would see the whole clip")
            array = np.full(channels, default, np.float32)
        if array.shape != (channels,):
            call.refuse(f"has a {given} of {list(array.shape)} for {channels} channels")
        weights[name] = array
    layer = BatchNormalization(float(call.get("eps", 1e-5)))
    return call.gives(value, call.add(layer, value.node, weights=weights))


def _batch_norm_core(call: Call) -> Value:
    return [_batch_norm(call), None, None]


def _layer_norm(call: Call) -> Value:
    value = call.known(call.frames("input"))
    shape = call.get("normalized_shape")
    if len(shape) != 1 or shape[0] != value.shape[2]:
        call.refuse("normalises over more than channels, which the vocabulary lacks")
    check_channels(call, value, len(value.dimensions) - 1)
    gamma, beta = call.array("weight"), call.array("bias")
    weights = {
        "gamma": np.ones(shape, np.float32) if gamma is None else gamma,
        "beta": np.zeros(shape, np.float32) if beta is None else beta,
    }
    layer = ChannelNormalization(float(call.get("eps", 1e-5)))
    return call.gives(value, call.add(layer, value.node, weights=weights))


def _linear(call: Call) -> Value:
    return dense(call, call.frames("input"), call.array("weight"), call.array("bias"))


def _matrix_product(call: Call) -> Value:
    name, other = ("mat1", "mat2") if "mat1" in call.arguments else ("self", "other")
    if other not in call.arguments:
        other = "mat2"
    weight = call.array(other)
    bias = None
    if name == "mat1":
        bias = call.array("self")
    value = call.frames(name)
    if weight is not None and weight.ndim == 3 and len(weight) == 1 and not value.dimensions[0]:
        weight = weight[0]
    if weight is None or weight.ndim != 2:
        call.refuse("multiplies frames by no matrix")
    return dense(call, value, weight.T, bias)


def _einsum(call: Call) -> Value:
    """A product with a matrix along one dimension, as letters say."""
    operands = call.get("tensors")
    equation = str(call.get("equation")).replace(" ", "")
    inputs, _, output = equation.partition("->")
    letters = inputs.split(",")
    refused = f"sums by {equation}, and only products with a matrix of weights are read"
    if len(operands) != 2 or len(letters) != 2 or "." in equation or not output:
        call.refuse(refused)
    (value, given), (weights, names) = zip(operands, letters, strict=True)
    if isinstance(weights, Frames):
        value, given, weights, names = weights, names, value, given
    if isinstance(weights, Frames) or not isinstance(value, Frames) or np.ndim(weights) != 2:
        call.refuse(refused)
    summed = [letter for letter in given if letter not in output]
    new = [letter for letter in names if letter in output]
    if len(summed) != 1 or len(new) != 1 or sorted(names) != sorted(summed + new):
        call.refuse(refused)
    value = call.plain(value)
    order = [letter for letter in given if letter != summed[0]]
    if sorted([*order, *new]) != sorted(output) or len(given) != len(value.dimensions):
        call.refuse(refused)
    places = [given.index(letter) for letter in (*order, *summed)]
    turned = replace(value, dimensions=tuple(value.dimensions[place] for place in places))
    result = dense(call, turned, weights if names[1] == summed[0] else weights.T, None)
    order += new
    places = [order.index(letter) for letter in output]
    return replace(result, dimensions=tuple(result.dimensions[place] for place in places))


def dense(
    call: Call,
    value: Frames,
    weight: npt.NDArray[Any] | None,
    bias: npt.NDArray[Any] | None,
    part: str = "",
) -> Frames:
    """A product of the last dimension with (units, entries) weights."""
    if weight is None or weight.ndim != 2 or weight.shape[1] != value.sizes[-1]:
        call.refuse("has weights that do not fit what it reads")
    axes = value.dimensions[-1]
    if "T" in axes:
        call.refuse(
            "multiplies all frames of the clip by weights of their own, so each answer would depend"
            " on later frames"
        )
    value = call.known(value) if bias is not None else call.settled(value)
    units = weight.shape[0]
    if axes in (("C",), ()) and not value.is_vector:
        layer: Any = Convolution(units, bias=bias is not None)
        kernel = weight.T[None, None, None]
    else:
        if any(value.has(axis) and axis not in axes for axis in ("H", "W", "C")):
            call.refuse(
                f"multiplies by weights along {list(axes)} alone, which the vocabulary lacks"
            )
        layer = Dense(units, bias=bias is not None)
        sizes = [value.size(axis) for axis in axes] or [1]
        order = [axes.index(axis) for axis in ("H", "W", "C") if axis in axes] or [0]
        kernel = weight.T.reshape(*sizes, units).transpose(*order, len(order))
        kernel = kernel.reshape(*value.shape, units)
    weights = {"kernel": kernel}
    if bias is not None:
        weights["bias"] = np.broadcast_to(bias, (units,))
    node = call.add(layer, value.node, weights=weights, part=part)
    dimensions = (*value.dimensions[:-1], ("C",) if units > 1 else ())
    shape = call.run.writing.shapes[node]
    return replace(value, node=node, shape=shape, dimensions=dimensions)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "conv1d": _convolution,
        "conv2d": _convolution,
        "conv3d": _convolution,
        "convolution": _convolution,
        "batch_norm": _batch_norm,
        "_native_batch_norm_legit_no_training": _batch_norm_core,
        "layer_norm": _layer_norm,
        "linear": _linear,
        "addmm": _matrix_product,
        "mm": _matrix_product,
        "matmul": _matrix_product,
        "bmm": _matrix_product,
        "einsum": _einsum,
    }
)
