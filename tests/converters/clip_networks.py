"""Networks that see clips, and what their streams should say."""

from __future__ import annotations

import numpy as np

from movistream_converters.formats.source import Source
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    BatchNormalization,
    Concatenate,
    Convolution,
    Dense,
    Multiply,
    Slice,
    SpatialMean,
)
from movistream_converters.ir.network import Network
from movistream_converters.ir.streaming import as_stream
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.x3d import Block, Table, build_x3d

TABLE = Table(
    stem=8,
    stages=(
        (Block(12, 8, 2, 4, True, False), Block(12, 8, 1, None, False)),
        (Block(20, 16, 2, 4, True),),
    ),
    head=20,
    hidden=24,
    num_classes=5,
)
"""Of a small X3D, with a delay of five frames."""

IMAGE_SIZE = 32


def small_x3d(window_frames: int | None = 3) -> Source:
    """A stream of a small X3D with random weights."""
    clip = build_x3d("x3d-small", TABLE, IMAGE_SIZE)
    network = as_stream(clip, window_frames)
    weights = random_weights(network, seed=3)
    return Source(network, weights, name="small", frames_per_second=5.0)


def random_clip_network(seed: int) -> Network:
    """Paths of random temporal kernels that are split and meet again; an answer for each frame."""
    generator = np.random.default_rng(seed)
    builder = NetworkBuilder("random", (8, 8), causal=False)
    channels = 4
    builder.add("first", Convolution(channels, (1, 3, 3), (2, 2), bias=True))
    values = ["first"]
    for index in range(6):
        source = values[generator.integers(len(values))]
        taps, gap = int(generator.choice([1, 3, 5])), int(generator.integers(1, 3))
        side = int(generator.choice([1, 3]))
        kernel = Convolution(
            channels,
            (taps, side, side),
            depthwise=bool(generator.integers(2)),
            bias=True,
            dilation=(gap, 1, 1),
        )
        name = builder.add(f"kernel_{index}", kernel, source)
        other = values[generator.integers(len(values))]
        match generator.integers(4):
            case 0:
                name = builder.add(f"sum_{index}", Add(), name, other)
            case 1:
                gate = builder.add(f"gate_{index}", Activation(ActivationFunction.SIGMOID), other)
                name = builder.add(f"product_{index}", Multiply(), gate, name)
            case 2:
                joined = builder.add(f"joined_{index}", Concatenate(), other, name)
                name = builder.add(f"part_{index}", Slice(2, 2 + channels), joined)
            case _:
                name = builder.add(f"norm_{index}", BatchNormalization(), name)
        values.append(name)
    builder.add("space", SpatialMean())
    builder.add("logits", Dense(3))
    return builder.build()
