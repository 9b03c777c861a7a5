"""Which layers have operators for smaller numbers; all others are computed in float.

A temporal kernel over space too is a sum of convolutions, whose terms would each need a range of
their own; groups are convolutions side by side. Tables of activations are made by XNNPACK.
"""

from __future__ import annotations

from movistream_converters.ir.layers import Convolution, Layer, Multiply, Shape, SpatialMean


def has_int8_operator(layer: Layer, inputs: tuple[Shape, ...]) -> bool:
    """Whether a layer can be computed from int8 inputs to an int8 output."""
    match layer:
        case Convolution():
            is_vector = inputs[0][:2] == (1, 1)
            window = (layer.kernel[1:], layer.stride, layer.dilation[1:])
            per_pixel = layer.depthwise and window == ((1, 1), (1, 1), (1, 1))
            unpadded = layer.padding == "same" or not any(layer.padding)
            spatial = layer.kernel[0] == 1 or (per_pixel and unpadded)
            return spatial and layer.groups == 1 and not is_vector
        case SpatialMean():
            return inputs[0][:2] != (1, 1)
        case Multiply():
            return True
    return False


def has_int4_kernel(layer: Layer, inputs: tuple[Shape, ...]) -> bool:
    """Whether a layer on a vector can hold its kernel in int4, two numbers in a byte."""
    return (
        isinstance(layer, Convolution)
        and layer.kernel == (1, 1, 1)
        and layer.groups == 1
        and not layer.depthwise
        and inputs[0][:2] == (1, 1)
        and inputs[0][2] % 2 == 0
    )
