"""Lowers a network to the graph of one step: a frame and states in, logits and states out."""

from __future__ import annotations

from dataclasses import dataclass

from movistream.file.manifest import ImageInput, State
from movistream_converters.ir.layers import Previous
from movistream_converters.ir.network import Network, horizon_of, image_of, warm_up_frames
from movistream_converters.ir.weights import Weights
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import GraphBuilder, TensorRef
from movistream_converters.tflite.context import Context
from movistream_converters.tflite.image_input import float_image, int8_image
from movistream_converters.tflite.layouts import LayoutError, StateLayout
from movistream_converters.tflite.precision import Precision
from movistream_converters.tflite.quantization import NOTHING_INT8, QuantizationPlan
from movistream_converters.tflite.rules import RULES


@dataclass(frozen=True)
class StepGraph:
    """A lowered step, ready to be packed into a file.

    Attributes:
        horizon_frames: of the running means: who steps holds the clock below it.
        warm_up_frames: the logits after the first so many frames mean nothing.
    """

    graph: GraphBuilder
    states: tuple[State, ...]
    image: ImageInput
    horizon_frames: int | None
    warm_up_frames: int = 0


@dataclass(frozen=True)
class LayerStep:
    """A step whose graph returns each node's output beside the logits and the states.

    Attributes:
        outputs: by node but the image, the name of the output; nodes that share a tensor share a
            name.
    """

    step: StepGraph
    outputs: dict[str, str]


def lower(
    network: Network,
    weights: Weights,
    layout: StateLayout,
    precision: Precision = Precision.FLOAT32,
    plan: QuantizationPlan = NOTHING_INT8,
) -> StepGraph:
    """Writes the step graph of a causal network.

    Args:
        plan: what is computed and stored as int8.

    Raises:
        ValueError: if the network is not causal.
        LayoutError: if the layout has no place for its states.
        OverflowError: if a weight is too large for the precision.
    """
    return _lowered(network, weights, layout, precision, plan)[0]


def lower_layers(
    network: Network,
    weights: Weights,
    layout: StateLayout,
    precision: Precision = Precision.FLOAT32,
    plan: QuantizationPlan = NOTHING_INT8,
) -> LayerStep:
    """As :func:`lower`, with the output of every node among the outputs of the graph."""
    step, tensors = _lowered(network, weights, layout, precision, plan)
    graph = step.graph
    taken = {tensor.index: name for name, tensor in graph.outputs.items()}
    given = {tensor.index for tensor in graph.inputs.values()}
    outputs = {}
    for node, tensor in list(tensors.items())[1:]:
        if tensor.index not in taken:
            name = taken[tensor.index] = f"layer_{node}"
            is_input = tensor.index in given
            own = op.reshape(graph, tensor, name, tensor.shape) if is_input else tensor
            graph.output(name, own)
        outputs[node] = taken[tensor.index]
    return LayerStep(step, outputs)


def _lowered(
    network: Network,
    weights: Weights,
    layout: StateLayout,
    precision: Precision,
    plan: QuantizationPlan,
) -> tuple[StepGraph, dict[str, TensorRef]]:
    """The step, and each node's tensor."""
    if layout is StateLayout.MODEL_GARDEN and any(node.delay_frames for node in network.nodes):
        raise LayoutError("a delay")
    context = Context(network, weights, layout, precision, plan)
    for node in network.nodes:
        context.graph.keeps_float32 = node.name in plan.float_kernels
        context.tensors[node.name] = RULES[type(node.layer)](context, node)
    logits = context.value(network.nodes[-1].name, int8=False)
    graph = context.graph
    logits = context.as_vector(logits, "logits.vector")
    graph.output("logits", context.writer.own(logits, "logits"))
    for node in network.nodes:
        if isinstance(node.layer, Previous):
            kept = context.value(node.inputs[0], int8=False)
            context.writer.keep_value(context.states[node.name], kept)
    context.writer.finish()
    step = StepGraph(
        graph,
        states=tuple(context.writer.states),
        image=_image_input(network, graph.inputs["image"]),
        horizon_frames=horizon_of(network),
        warm_up_frames=warm_up_frames(network),
    )
    return step, context.tensors


def _image_input(network: Network, tensor: TensorRef) -> ImageInput:
    image = image_of(network)
    if tensor.quantization is None:
        return float_image(image, tensor.shape)
    return int8_image(image, tensor.shape, tensor.quantization)
