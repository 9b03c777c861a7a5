"""Numbers as an int8 step has them, for training: rounded going forward, as they are going back.

The forms are those that the lowering writes: activations and stream buffers on the scales of a
:class:`QuantizationPlan`, int8 kernels with a scale per output channel, int4 kernels in the gates.
Gradients pass through the rounding, and end where a value is cut off (Jacob et al., arXiv
1712.05877, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import tensorflow as tf

from movistream_converters.ir.layers import Convolution, Dense
from movistream_converters.ir.network import Network, Node
from movistream_converters.reference.execution import Rounding, Tensor
from movistream_converters.tflite.builder import (
    INT4_HIGHEST,
    INT8_HIGHEST,
    INT8_LOWEST,
    QuantizationParameters,
)
from movistream_converters.tflite.precision import DYNAMIC_INPUTS
from movistream_converters.tflite.quantization import QuantizationPlan


def as_in_int8(
    network: Network, weights: Mapping[str, Tensor], plan: QuantizationPlan | None
) -> tuple[Mapping[str, Tensor], Rounding | None]:
    """Weights and rounding for :func:`.clip.run_clip` to compute as the int8 step of a plan does.

    Args:
        network: folded.
        weights: of the folded network.
        plan: None for float32: the weights as they are, and no rounding.
    """
    if plan is None:
        return weights, None
    return _rounded_kernels(network, plan, weights), _rounded_activations(plan)


def _rounded_activations(plan: QuantizationPlan) -> Rounding:
    """What nodes' outputs become: those on the plan's scales are rounded to them."""

    def rounded(node: Node, values: Tensor) -> Tensor:
        quantization = plan.tensors.get(node.name)
        return values if quantization is None else _on_scale(values, quantization)

    return rounded


def _rounded_kernels(
    network: Network, plan: QuantizationPlan, weights: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The weights of a folded network, with the kernels that the plan makes integers rounded."""
    rounded = dict(weights)
    for node in network.nodes:
        if isinstance(node.layer, Convolution | Dense):
            name = f"{node.name}.kernel"
            if (highest := _highest(node, node.layer, weights[name], plan)) is not None:
                rounded[name] = _per_channel(weights[name], highest)
    return rounded


def _highest(
    node: Node, layer: Convolution | Dense, kernel: Tensor, plan: QuantizationPlan
) -> int | None:
    """The largest integer of a kernel; None: it stays float."""
    if node.name in plan.int4_kernels:
        return INT4_HIGHEST
    # Of the layers that stay float, those with many inputs have int8 kernels all the same.
    inputs = math.prod(kernel.shape[:-1] if isinstance(layer, Dense) else kernel.shape[1:-1])
    has_inputs = isinstance(layer, Dense) or not layer.depthwise
    if node.name in plan.computed or (has_inputs and inputs >= DYNAMIC_INPUTS):
        return INT8_HIGHEST
    return None


def _on_scale(values: Tensor, quantization: QuantizationParameters) -> Tensor:
    scale, zero_point = quantization.scale, quantization.zero_point
    low = (INT8_LOWEST - zero_point) * scale
    high = (INT8_HIGHEST - zero_point) * scale
    kept = tf.clip_by_value(values, low, high)
    return kept + tf.stop_gradient(tf.round(kept / scale) * scale - kept)


def _per_channel(kernel: Tensor, highest: int) -> Tensor:
    """Symmetric around zero; output channels are the last axis."""
    others = tuple(range(kernel.shape.rank - 1))
    largest = tf.reduce_max(tf.abs(kernel), axis=others, keepdims=True)
    scale = tf.stop_gradient(tf.maximum(largest, 1e-12) / highest)
    return kernel + tf.stop_gradient(tf.round(kernel / scale) * scale - kernel)
