"""Networks that are no MoViNets, which use all of the vocabulary between them."""

from __future__ import annotations

from collections.abc import Callable

from movistream_converters.formats.source import Source
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    UNPADDED,
    Activation,
    ActivationFunction,
    Add,
    BatchNormalization,
    ChannelNormalization,
    Concatenate,
    Convolution,
    Delay,
    Dense,
    Image,
    LeakyRelu,
    Multiply,
    ParametricRelu,
    Pool,
    PositionalEncoding,
    Scale,
    Slice,
    Softmax,
    SpatialMean,
    TemporalMean,
    WindowMean,
)
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import random_weights

SIZE = (24, 32)


def convolutional() -> Network:
    """Convolutions of every kind, with all that is folded into them."""
    builder = NetworkBuilder("convolutional", SIZE)
    builder.add("stem", Convolution(8, (1, 3, 3), (2, 2), padding=(1, 1, 1, 1)))
    builder.add("stem.bn", BatchNormalization())
    builder.add("stem.act", Activation(ActivationFunction.RELU6))
    builder.add("groups", Convolution(12, (1, 3, 3), groups=2))
    builder.add("groups.scale", Scale())
    builder.add("groups.bn", BatchNormalization(epsilon=0.1))
    builder.add("swish", Activation(ActivationFunction.SWISH))
    builder.add("multiplied", Convolution(24, (1, 1, 1), groups=12, bias=True))
    builder.add("depthwise", Convolution(24, (1, 3, 3), (2, 2), depthwise=True))
    builder.add("temporal", Convolution(24, (3, 1, 1), depthwise=True, dilation=(2, 1, 1)))
    builder.add("temporal.bn", BatchNormalization())
    builder.add("prelu", ParametricRelu())
    before = builder.add("joint", Convolution(8, (2, 3, 3), groups=2, dilation=(1, 2, 2)))
    builder.add("mean", SpatialMean())
    builder.add("gate.conv", Convolution(8))
    builder.add("gate.bn", BatchNormalization())
    gate = builder.add("gate", Activation(ActivationFunction.HARD_SIGMOID_KERAS))
    builder.add("product", Multiply(), before, gate)
    builder.add("projection", Convolution(8, (1, 3, 3), bias=True))
    builder.add("narrow.mean", SpatialMean())
    builder.add("narrow.conv", Convolution(8, bias=True))
    gate = builder.add("narrow.gate", Activation(ActivationFunction.HARD_SIGMOID))
    builder.add("narrow.product", Multiply(), "projection", gate)
    residual = builder.add("remembers", Convolution(8, (2, 1, 1), bias=True))
    builder.add("sum", Add(), before, residual)
    builder.add("sum.bn", BatchNormalization())
    builder.add("last", Convolution(6, (1, 2, 2), (2, 2), padding=UNPADDED))
    builder.add("last.mean", SpatialMean())
    builder.add("vectors", Convolution(8, (3, 1, 1)))
    builder.add("vectors.bn", BatchNormalization())
    builder.add("vectors.depthwise", Convolution(8, (3, 1, 1), depthwise=True, bias=True))
    builder.add("vectors.groups", Convolution(8, (2, 1, 1), groups=2))
    builder.add("vectors.act", LeakyRelu(0.2))
    builder.add("logits", Dense(5))
    return builder.build()


def temporal() -> Network:
    """Delays, windows, recurrence, running means, positions, and norms that stand alone."""
    image = Image(value_range=(0.0, 1.0))
    builder = NetworkBuilder("temporal", SIZE, image)
    builder.add("stem", Convolution(8, (1, 4, 4), (4, 4), bias=True, padding=UNPADDED))
    whole = builder.add("norm", ChannelNormalization())
    kept = builder.add("kept", Slice(0, 6), whole)
    builder.add("shifted", Slice(6, 8), whole)
    shifted = builder.add("delayed", Delay(1))
    builder.add("shift", Concatenate(), kept, shifted)
    builder.add("mixed", Convolution(8))
    builder.add("gelu", Activation(ActivationFunction.GELU))
    pooled = builder.add("pool", Pool("max", (2, 2), (2, 2)))
    builder.add("flat", Dense(10, bias=False))
    builder.add("flat.scale", Scale())
    builder.add("window", WindowMean(3))
    builder.add("window.scale", Scale())
    window = builder.add("position", PositionalEncoding())
    mean = builder.add("space", SpatialMean(), pooled)
    mean = builder.add("pool_over_time", TemporalMean(), mean)
    builder.add("both", Concatenate(), window, mean)
    seen = builder.add("seen", Dense(6))
    before = builder.previous("before", "cell", (1, 1, 6))
    builder.add("remembered", Dense(6, bias=False), before)
    builder.add("cell.sum", Add(), seen, "remembered")
    builder.add("cell", Activation(ActivationFunction.TANH))
    builder.add("logits", Dense(4))
    builder.add("probabilities", Softmax())
    return builder.build()


NETWORKS: dict[str, Callable[[], Network]] = {"convolutional": convolutional, "temporal": temporal}


def own_source(name: str) -> Source:
    """One of them with random weights."""
    network = NETWORKS[name]()
    return Source(network, random_weights(network, seed=3), name=name, frames_per_second=10.0)
