"""Layers that give as many numbers as they read, each pixel by itself."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

from movistream_converters.ir.layers.base import Layer, Rules, Shape, one_scale, same_shape


class ActivationFunction(str, Enum):
    """Functions of one number, by the names that training configurations give them."""

    RELU = "relu"
    RELU6 = "relu6"
    SWISH = "swish"
    HARD_SWISH = "hard_swish"
    SIGMOID = "sigmoid"
    HARD_SIGMOID = "hard_sigmoid"
    """relu6(x + 3) · 0.16667, as TensorFlow Model Garden defines it."""
    HARD_SIGMOID_KERAS = "hard_sigmoid_keras"
    """clip(0.2 x + 0.5, 0, 1), as Keras 2 and the PyTorch port of the weights define it."""
    HARD_SIGMOID_SIXTH = "hard_sigmoid_sixth"
    """relu6(x + 3) / 6, as PyTorch and Keras 3 define it."""
    TANH = "tanh"
    GELU = "gelu"
    """x · Φ(x), Φ being the normal distribution's."""
    GELU_TANH = "gelu_tanh"
    """0.5 x (1 + tanh(sqrt(2 / π) (x + 0.044715 x³)))."""


HARD_SIGMOIDS: dict[ActivationFunction, tuple[float, float]] = {
    ActivationFunction.HARD_SIGMOID: (1.0, 0.16667),
    ActivationFunction.HARD_SIGMOID_KERAS: (1.2, 1 / 6),
    ActivationFunction.HARD_SIGMOID_SIXTH: (1.0, 1 / 6),
}
"""(slope, factor) of the gates that are factor · relu6(slope · x + 3)."""


class Activation(Layer, frozen=True):
    """A function of one number."""

    function: ActivationFunction


class LeakyRelu(Layer, frozen=True):
    """x where it is positive, slope · x elsewhere."""

    slope: float = 0.01


class ParametricRelu(Layer, frozen=True):
    """x where it is positive, a trained slope of its channel times x elsewhere."""


class Softmax(Layer, frozen=True):
    """exp(x) over the sum of exp(x) of all channels of a pixel."""


class BatchNormalization(Layer, frozen=True):
    """Normalisation by stored statistics: (x − mean) / sqrt(variance + epsilon) · gamma + beta."""

    epsilon: float = 1e-3


class ChannelNormalization(Layer, frozen=True):
    """Normalisation of each pixel by the mean and the variance of its own channels, then
    · gamma + beta; of vectors, this is layer normalisation (arXiv 1607.06450)."""

    epsilon: float = 1e-5


class Scale(Layer, frozen=True):
    """Multiplication by one trained number (ReZero, arXiv 2003.04887)."""


_WeightShapes: TypeAlias = Callable[[Layer, tuple[Shape, ...]], dict[str, tuple[int, ...]]]


def _of_channels(*names: str) -> _WeightShapes:
    def weights(_: Layer, inputs: tuple[Shape, ...]) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(names, (inputs[0][2],))

    return weights


def _pointwise(weights: _WeightShapes | None = None, *, is_pointwise: bool = True) -> Rules:
    if weights is None:
        return Rules(same_shape, is_pointwise=is_pointwise)
    return Rules(same_shape, weights=weights, is_pointwise=is_pointwise)


RULES: dict[type[Layer], Rules] = {
    Activation: _pointwise(),
    LeakyRelu: _pointwise(),
    ParametricRelu: _pointwise(_of_channels("slope")),
    Softmax: _pointwise(is_pointwise=False),
    BatchNormalization: _pointwise(_of_channels("gamma", "beta", "mean", "variance")),
    ChannelNormalization: _pointwise(_of_channels("gamma", "beta"), is_pointwise=False),
    Scale: _pointwise(one_scale),
}
