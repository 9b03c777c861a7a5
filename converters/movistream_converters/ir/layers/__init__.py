"""The vocabulary: the layers that networks are made of, with the rules that follow from each.

To add one, describe it in the module of its kind, with its row of :class:`Rules`, name it below,
and give it a row in :mod:`movistream_converters.reference.rules` and in
:mod:`movistream_converters.tflite.rules`.
"""

from __future__ import annotations

from typing import TypeAlias

from movistream_converters.ir.layers import (
    convolutions,
    image,
    joining,
    pointwise,
    pools,
    time,
)
from movistream_converters.ir.layers.base import Layer, LayerError, LayerState, Rules, Shape
from movistream_converters.ir.layers.convolutions import Convolution, Dense
from movistream_converters.ir.layers.image import Image, seen_range
from movistream_converters.ir.layers.joining import Add, Concatenate, Multiply, Slice
from movistream_converters.ir.layers.pointwise import (
    HARD_SIGMOIDS,
    Activation,
    ActivationFunction,
    BatchNormalization,
    ChannelNormalization,
    LeakyRelu,
    ParametricRelu,
    Scale,
    Softmax,
)
from movistream_converters.ir.layers.pools import Pool, SpatialMean
from movistream_converters.ir.layers.time import (
    Delay,
    PositionalEncoding,
    Previous,
    TemporalMean,
    WindowMean,
    encoding_frequencies,
)
from movistream_converters.ir.layers.windows import (
    UNPADDED,
    Padding,
    padding_amounts,
    same_padding_size,
    window_places,
)

AnyLayer: TypeAlias = (
    Image
    | Convolution
    | Dense
    | Pool
    | SpatialMean
    | Activation
    | LeakyRelu
    | ParametricRelu
    | Softmax
    | BatchNormalization
    | ChannelNormalization
    | Scale
    | Add
    | Multiply
    | Concatenate
    | Slice
    | TemporalMean
    | WindowMean
    | Delay
    | Previous
    | PositionalEncoding
)

RULES: dict[type[Layer], Rules] = {
    **image.RULES,
    **convolutions.RULES,
    **pools.RULES,
    **pointwise.RULES,
    **joining.RULES,
    **time.RULES,
}

__all__ = [
    "HARD_SIGMOIDS",
    "RULES",
    "UNPADDED",
    "Activation",
    "ActivationFunction",
    "Add",
    "AnyLayer",
    "BatchNormalization",
    "ChannelNormalization",
    "Concatenate",
    "Convolution",
    "Delay",
    "Dense",
    "Image",
    "Layer",
    "LayerError",
    "LayerState",
    "LeakyRelu",
    "Multiply",
    "Padding",
    "ParametricRelu",
    "Pool",
    "PositionalEncoding",
    "Previous",
    "Rules",
    "Scale",
    "Shape",
    "Slice",
    "Softmax",
    "SpatialMean",
    "TemporalMean",
    "WindowMean",
    "encoding_frequencies",
    "padding_amounts",
    "same_padding_size",
    "seen_range",
    "window_places",
]
