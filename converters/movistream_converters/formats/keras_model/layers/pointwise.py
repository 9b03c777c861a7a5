"""Keras' layers that give as many numbers as they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from movistream.system.text import printable
from movistream_converters.formats.keras_model.description import OPERATION, KerasLayer, refused
from movistream_converters.formats.keras_model.emitting import IMAGE, Emitter
from movistream_converters.formats.keras_model.fields import (
    flag,
    is_last_axis,
    real,
    reals,
)
from movistream_converters.formats.keras_model.values import Value
from movistream_converters.formats.keras_model.weights import shaped, weights_of
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    BatchNormalization,
    ChannelNormalization,
    LeakyRelu,
    ParametricRelu,
    Scale,
    Softmax,
)

_FUNCTIONS: Mapping[str, ActivationFunction] = {
    "relu": ActivationFunction.RELU,
    "relu6": ActivationFunction.RELU6,
    "silu": ActivationFunction.SWISH,
    "swish": ActivationFunction.SWISH,
    "hard_silu": ActivationFunction.HARD_SWISH,
    "hard_swish": ActivationFunction.HARD_SWISH,
    "sigmoid": ActivationFunction.SIGMOID,
    "hard_sigmoid": ActivationFunction.HARD_SIGMOID_SIXTH,
    "tanh": ActivationFunction.TANH,
    "gelu": ActivationFunction.GELU,
}
_LINEAR = "linear"
_OTHER_FUNCTIONS = ("leaky_relu", "softmax")
_SLOPE_OF_FUNCTION = 0.2
"""Of ``leaky_relu``, where its name alone says it."""


def activated(
    layer: KerasLayer, value: Value, emitter: Emitter, field: str = "activation", suffix: str = ""
) -> Value:
    """A value behind the function that a layer names.

    Args:
        suffix: of its node's name; empty where the layer is nothing else.
    """
    name = layer.config.get(field)
    if name is None or name == _LINEAR:
        return value
    if name not in (*_FUNCTIONS, *_OTHER_FUNCTIONS):
        known = ", ".join(sorted({*_FUNCTIONS, *_OTHER_FUNCTIONS, _LINEAR}))
        described = name if isinstance(name, str) else _class_of(name)
        raise refused(layer, f"has the activation {printable(described)[:60]!r}; there are {known}")
    return _function(layer, str(name), value, emitter, suffix)


def _class_of(described: Any) -> str:
    if not isinstance(described, Mapping):
        return str(described)
    inner = described.get("config")
    return str(inner if isinstance(inner, str) else described.get("class_name"))


def _function(
    layer: KerasLayer, name: str, value: Value, emitter: Emitter, suffix: str = ""
) -> Value:
    match name:
        case "softmax":
            return _softmax(layer, value, emitter, suffix)
        case "leaky_relu":
            return emitter.add(layer, LeakyRelu(_SLOPE_OF_FUNCTION), value, suffix=suffix)
    return emitter.add(layer, Activation(_FUNCTIONS[name]), value, suffix=suffix)


def scaled(layer: KerasLayer, value: Value, emitter: Emitter, factor: float, suffix: str) -> Value:
    """A value times a number."""
    return emitter.add(layer, Scale(), value, weights={"scale": np.float32(factor)}, suffix=suffix)


def _softmax(layer: KerasLayer, value: Value, emitter: Emitter, suffix: str = "") -> Value:
    if not value.has_channels:
        raise refused(layer, f"is over axes of {list(value.dims)}; only channels can be")
    return emitter.add(layer, Softmax(), value, suffix=suffix)


def _activation(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    return activated(layer, inputs[0], emitter)


def _softmax_layer(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    if not is_last_axis(layer, inputs[0].rank):
        raise refused(layer, "is over an axis that is not the last one, of channels")
    return _softmax(layer, inputs[0], emitter)


def _relu(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    slope = real(layer, "negative_slope", 0.0)
    if real(layer, "threshold", 0.0):
        raise refused(layer, "has a threshold that is not 0, which the vocabulary lacks")
    if layer.config.get("max_value") is None:
        if slope:
            return emitter.add(layer, LeakyRelu(slope), inputs[0])
        return emitter.add(layer, Activation(ActivationFunction.RELU), inputs[0])
    most = real(layer, "max_value")
    if slope or most <= 0:
        raise refused(
            layer, f"has a slope of {slope:g} and at most {most:g}, which the vocabulary lacks"
        )
    relu6 = Activation(ActivationFunction.RELU6)
    if most == 6.0:
        return emitter.add(layer, relu6, inputs[0])
    widened = scaled(layer, inputs[0], emitter, 6.0 / most, "widened")
    clipped = emitter.add(layer, relu6, widened)
    return scaled(layer, clipped, emitter, most / 6.0, "narrowed")


def _leaky_relu(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    return emitter.add(layer, LeakyRelu(real(layer, "negative_slope", 0.3)), inputs[0])


def _parametric_relu(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    (slope,), channels = weights_of(layer, 1), inputs[0].shape[2]
    if slope.size != channels or not inputs[0].has_channels or slope.shape[-1] != channels:
        raise refused(
            layer,
            f"has slopes of {list(slope.shape)}; one of each channel can be: give it all other axes"
            " as shared_axes",
        )
    return emitter.add(
        layer, ParametricRelu(), inputs[0], weights={"slope": slope.reshape(channels)}
    )


def _batch_normalization(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    value = _along_channels(layer, inputs[0])
    channels = value.shape[2]
    has_gamma, has_beta = flag(layer, "scale", True), flag(layer, "center", True)
    arrays = weights_of(layer, 2 + has_gamma + has_beta)
    weights = {
        "gamma": arrays.pop(0) if has_gamma else np.ones(channels),
        "beta": arrays.pop(0) if has_beta else np.zeros(channels),
        "mean": arrays[0],
        "variance": arrays[1],
    }
    epsilon = real(layer, "epsilon", 1e-3)
    if not (np.asarray(weights["variance"]) + epsilon > 0).all():
        raise refused(layer, "has variances below 0")
    return emitter.add(layer, BatchNormalization(epsilon), value, weights=weights)


def _layer_normalization(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    value = _along_channels(layer, inputs[0])
    channels = value.shape[2]
    if flag(layer, "rms_scaling", False):
        raise refused(layer, "scales by a root mean square, which the vocabulary lacks")
    has_gamma, has_beta = flag(layer, "scale", True), flag(layer, "center", True)
    arrays = weights_of(layer, has_gamma + has_beta)
    weights = {
        "gamma": arrays.pop(0) if has_gamma else np.ones(channels),
        "beta": arrays.pop(0) if has_beta else np.zeros(channels),
    }
    norm = ChannelNormalization(real(layer, "epsilon", 1e-3))
    return emitter.add(layer, norm, value, weights=weights)


def _along_channels(layer: KerasLayer, value: Value) -> Value:
    if not is_last_axis(layer, value.rank) or not value.has_channels:
        raise refused(
            layer,
            f"normalises along axis {layer.config.get('axis')!r:.40} of frames of"
            f" {list(value.dims)}; only channels, the last axis, can be",
        )
    return value


def _rescaling(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    value = inputs[0]
    count = value.shape[2] if value.has_channels else 1
    factor, offset = reals(layer, "scale", count), reals(layer, "offset", count, 0.0)
    return _affine(layer, value, emitter, np.array(factor), np.array(offset))


def _normalization(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    value = inputs[0]
    channels = value.shape[2]
    # Without an axis, there is one mean of everything.
    whole = layer.config.get("axis") in (None, [])
    if not whole:
        _along_channels(layer, value)
    if layer.config.get("mean") is not None:
        mean = np.array(reals(layer, "mean", channels))
        variance = np.array(reals(layer, "variance", channels))
    else:
        kept = (1,) if whole else (channels,)
        arrays = weights_of(layer, 3)[:2]
        mean, variance = (
            np.broadcast_to(
                shaped(layer, array, () if whole else kept, kept).astype(np.float64), (channels,)
            )
            for array in arrays
        )
    if not (np.isfinite(mean).all() and np.isfinite(variance).all() and (variance >= 0).all()):
        raise refused(layer, "has variances below 0, or numbers that are none")
    std = np.maximum(np.sqrt(variance), 1e-7)
    if flag(layer, "invert", False):
        return _affine(layer, value, emitter, std, mean)
    return _affine(layer, value, emitter, 1.0 / std, -mean / std)


def _affine(layer: KerasLayer, value: Value, emitter: Emitter, factor: Any, offset: Any) -> Value:
    """Of an image, what the image may do itself; elsewhere a layer."""
    channels = value.shape[2]
    factor, offset = (np.broadcast_to(x, (channels,)).astype(np.float64) for x in (factor, offset))
    if value.node != IMAGE or any(value.padding) or value.zeros_before:
        return emitter.affine(layer, value, factor, offset)
    old_factor, old_offset = value.scaling or ((1.0,) * channels, (0.0,) * channels)
    scaling = (
        tuple(float(x) for x in np.array(old_factor) * factor),
        tuple(float(x) for x in np.array(old_offset) * factor + offset),
    )
    return replace(value, scaling=scaling)


def _unchanged(_: KerasLayer, inputs: tuple[Value, ...], __: Emitter) -> Value:
    return inputs[0]


def _operation(name: str) -> Callable[[KerasLayer, tuple[Value, ...], Emitter], Value]:
    def translate(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
        return _function(layer, name, inputs[0], emitter)

    return translate


TABLE = {
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "PReLU": _parametric_relu,
    "Softmax": _softmax_layer,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    **dict.fromkeys(
        (
            *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
            *("GaussianDropout", "AlphaDropout", "GaussianNoise", "ActivityRegularization"),
            *("Identity", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"),
            *("RandomContrast",),
        ),
        _unchanged,
    ),
    f"{OPERATION}Relu": _operation("relu"),
    f"{OPERATION}Relu6": _operation("relu6"),
    f"{OPERATION}Silu": _operation("silu"),
    f"{OPERATION}Sigmoid": _operation("sigmoid"),
    f"{OPERATION}HardSigmoid": _operation("hard_sigmoid"),
    f"{OPERATION}HardSilu": _operation("hard_silu"),
    f"{OPERATION}Tanh": _operation("tanh"),
}
