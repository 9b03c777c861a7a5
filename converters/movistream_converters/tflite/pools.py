"""Means and maxima of windows, for which engines have operators that pad in one way."""

from __future__ import annotations

import numpy as np

from movistream_converters.ir.layers import Pool, padding_amounts
from movistream_converters.ir.network import Node
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import TensorRef
from movistream_converters.tflite.context import Context, FloatArray
from movistream_converters.tflite.precision import Precision

_FEW_CHANNELS = 16
"""Up to here a mean is cheaper in two sums; docs/lowering.md has the counts."""


def lower_pool(context: Context, node: Node) -> TensorRef:
    """The rule of :class:`.ir.layers.Pool`."""
    layer, graph = node.layer, context.graph
    assert isinstance(layer, Pool)
    x = context.as_frame(context.value(node.inputs[0], int8=False), f"{node.name}.frame")
    window = op.Window(layer.size, layer.stride, padding=layer.padding)
    size = x.shape[1], x.shape[2]
    amounts = padding_amounts(layer.padding, size, layer.size, layer.stride)
    same = padding_amounts("same", size, layer.size, layer.stride)
    pads_itself = layer.padding == "same" or not any(amounts) or amounts == same
    if layer.kind == "max" and not pads_itself:
        x = _surrounded(context, x, node.name, window)
        window = op.Window(layer.size, layer.stride, padding=(0, 0, 0, 0))
    if pads_itself and _is_cheaper_in_two_sums(context, layer, x.shape[3]):
        return _mean_in_two_sums(context, x, node.name, layer)
    if layer.kind == "max" or (pads_itself and not layer.counts_padding):
        return op.pool_2d(graph, x, node.name, layer.kind, window)
    x = op.pad(graph, x, f"{node.name}.padded", amounts) if any(amounts) else x
    inner = op.Window(layer.size, layer.stride, padding=(0, 0, 0, 0))
    if layer.counts_padding or not any(amounts):
        return op.pool_2d(graph, x, node.name, "average", inner)
    means = op.pool_2d(graph, x, f"{node.name}.with_padding", "average", inner)
    shares = _shares_of_frame(context.shapes[node.inputs[0]][:2], amounts, layer)
    factor = graph.constant(f"{node.name}.factor", shares)
    return op.multiply(graph, means, factor, node.name)


def _is_cheaper_in_two_sums(context: Context, layer: Pool, channels: int) -> bool:
    """On ARM, which int8 files are made for; docs/lowering.md has the counts.

    Files of float numbers have no operator that their network has not.
    """
    is_mean = layer.kind == "average" and not layer.counts_padding
    is_wanted = context.graph.precision is Precision.INT8
    return is_wanted and is_mean and layer.size == (3, 3) and channels <= _FEW_CHANNELS


def _mean_in_two_sums(context: Context, x: TensorRef, name: str, layer: Pool) -> TensorRef:
    """A mean as sums over rows, then over columns, over the number of pixels inside.

    A row is one pixel of many channels to all but the second sum: kernels work on many channels at
    once, and have their cost for each pixel.
    """
    graph, (_, height, width, channels) = context.graph, x.shape

    def by_row(x: TensorRef, step: str) -> TensorRef:
        _, height, width, channels = x.shape
        return op.reshape(graph, x, f"{name}.{step}", (1, height, 1, width * channels))

    def summed(x: TensorRef, step: str, window: op.Window) -> TensorRef:
        kernel = np.ones((*window.size, x.shape[3]), np.float32)
        bias = np.zeros(x.shape[3], np.float32)
        return op.depthwise_conv_2d(graph, x, f"{name}.{step}", kernel, bias, window)

    size, stride = layer.size, layer.stride
    top, bottom, left, right = padding_amounts(layer.padding, (height, width), size, stride)
    over_rows = op.Window((size[0], 1), (stride[0], 1), padding=(top, bottom, 0, 0))
    over_columns = op.Window((1, size[1]), (1, stride[1]), padding=(0, 0, left, right))
    rows = summed(by_row(x, "by_row"), "rows", over_rows)
    pixels = (1, rows.shape[1], width, channels)
    sums = summed(op.reshape(graph, rows, f"{name}.by_pixel", pixels), "sums", over_columns)
    of_rows = _shares(height, (top, bottom), size[0], stride[0])
    of_columns = _shares(width, (left, right), size[1], stride[1])
    means = by_row(sums, "sums_by_row")
    for step, factor in (
        ("columns", np.repeat(of_columns, channels)[None]),
        ("rows", of_rows[:, None, None]),
    ):
        shares = graph.constant(f"{name}.of_{step}", factor)
        means = op.multiply(graph, means, shares, f"{name}.over_{step}")
    return op.reshape(graph, means, name, sums.shape)


def _shares(pixels: int, padding: tuple[int, int], size: int, stride: int) -> FloatArray:
    """What each pixel is of a mean over a window's part inside a row, or a column."""
    inside = np.pad(np.ones(pixels, np.float32), padding)
    counts = np.lib.stride_tricks.sliding_window_view(inside, size)[::stride].sum(1)
    shares: FloatArray = np.float32(1) / counts
    return shares


def _surrounded(context: Context, x: TensorRef, name: str, window: op.Window) -> TensorRef:
    """A frame inside numbers that no maximum is."""
    graph = context.graph
    for axis, (before, behind) in ((1, window.amounts(x)[:2]), (2, window.amounts(x)[2:])):
        parts = []
        for amount, side in ((before, "before"), (0, ""), (max(behind, 0), "behind")):
            if side and amount:
                shape = list(x.shape)
                shape[axis] = amount
                lowest = np.full(shape, np.finfo(np.float32).min, np.float32)
                parts.append(graph.constant(f"{name}.{side}_{axis}", lowest))
            elif not side:
                parts.append(x)
        if len(parts) > 1:
            x = op.concatenate(graph, parts, f"{name}.surrounded_{axis}", axis)
    return x


def _shares_of_frame(
    size: tuple[int, int], amounts: tuple[int, int, int, int], layer: Pool
) -> FloatArray:
    """What makes a mean over a window the mean over its part inside the frame."""
    inside = np.pad(np.ones(size), (amounts[:2], amounts[2:]))
    windows = np.lib.stride_tricks.sliding_window_view(inside, layer.size)
    counts = windows[:: layer.stride[0], :: layer.stride[1]].sum((2, 3))
    shares: FloatArray = (np.prod(layer.size) / counts).astype(np.float32)[None, ..., None]
    return shares
