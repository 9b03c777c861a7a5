"""Lowers a network to the graph of one step: a frame and states in, logits and states out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from movistream.file.manifest import ImageInput, State
from movistream_converters.ir.network import (
    HARD_SIGMOIDS,
    Activation,
    ActivationFunction,
    Add,
    AveragePool,
    BatchNormalization,
    Concatenate,
    Convolution,
    Image,
    Multiply,
    Network,
    Node,
    PositionalEncoding,
    Scale,
    SpatialMean,
    TemporalMean,
    consumers,
    encoding_frequencies,
    horizon_of,
    node_shapes,
)
from movistream_converters.ir.states import NetworkState, network_states
from movistream_converters.ir.weights import Weights
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import (
    INT8_HIGHEST,
    INT8_LOWEST,
    GraphBuilder,
    Quantization,
    TensorRef,
)
from movistream_converters.tflite.layouts import LAYOUT_WRITERS, LayoutWriter, StateLayout
from movistream_converters.tflite.pixel_pairs import PAIR, gives_pairs, paired_kernel
from movistream_converters.tflite.precision import Precision
from movistream_converters.tflite.quantization import NOTHING_INT8, QuantizationPlan

_FUSED: dict[ActivationFunction, op.Fused] = {
    ActivationFunction.RELU: "RELU",
    ActivationFunction.RELU6: "RELU6",
}


@dataclass(frozen=True)
class StepGraph:
    """A lowered step, ready to be packed into a file.

    Attributes:
        horizon_frames: of the running means: who steps holds the clock below it.
    """

    graph: GraphBuilder
    states: tuple[State, ...]
    image: ImageInput
    horizon_frames: int | None


@dataclass(frozen=True)
class LayerStep:
    """A step whose graph returns each node's output beside the logits and the states.

    Attributes:
        outputs: by node, the name of the output; nodes that share a tensor share a name.
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
    """Writes the step graph of a causal network whose batch norms are folded.

    Args:
        plan: what is computed and stored as int8.

    Raises:
        ValueError: if the network is not causal, or holds a layer that has to be folded first.
        OverflowError: if a weight is too large for the precision.
    """
    return _Lowering(network, weights, layout, precision, plan).run()


def lower_layers(
    network: Network,
    weights: Weights,
    layout: StateLayout,
    precision: Precision = Precision.FLOAT32,
    plan: QuantizationPlan = NOTHING_INT8,
) -> LayerStep:
    """As :func:`lower`, with the output of every node among the outputs of the graph."""
    lowering = _Lowering(network, weights, layout, precision, plan)
    step = lowering.run()
    taken = {tensor.index: name for name, tensor in step.graph.outputs.items()}
    outputs = {}
    for node, tensor in lowering.tensors.items():
        if tensor.index not in taken and tensor is not step.graph.inputs["image"]:
            taken[tensor.index] = f"layer_{node}"
            step.graph.output(f"layer_{node}", tensor)
        if tensor.index in taken:
            outputs[node] = taken[tensor.index]
    return LayerStep(step, outputs)


class _Lowering:
    """One pass over the nodes, keeping each one's tensor."""

    def __init__(
        self,
        network: Network,
        weights: Weights,
        layout: StateLayout,
        precision: Precision,
        plan: QuantizationPlan,
    ) -> None:
        self.network = network
        self.plan = plan
        self.weights = weights
        self.graph = GraphBuilder(precision)
        self.writer: LayoutWriter = LAYOUT_WRITERS[layout](self.graph)
        self.states: dict[str, NetworkState] = {s.name: s for s in network_states(network)}
        self.tensors: dict[str, TensorRef] = {}
        self.fused = _fused_activations(network)
        self.encodings: dict[tuple[int, int], TensorRef] = {}
        self.shapes = node_shapes(network)
        # Positions count beyond what float16 holds.
        self.for_float16 = precision is Precision.FLOAT16 and not any(
            isinstance(node.layer, PositionalEncoding) for node in network.nodes
        )
        self.views: dict[tuple[str, int, bool], TensorRef] = {}

    def run(self) -> StepGraph:
        for node in self.network.nodes:
            self.tensors[node.name] = self._node(node)
        logits = self.tensors[self.network.nodes[-1].name]
        self.graph.output("logits", logits)
        self.writer.finish()
        return StepGraph(
            self.graph, tuple(self.writer.states), self._image_input(), horizon_of(self.network)
        )

    def _image_input(self) -> ImageInput:
        image = self.graph.inputs["image"]
        if image.quantization is None:
            return ImageInput(tensor="image", shape=image.shape, dtype="float32")
        range_as_stored = (INT8_LOWEST, INT8_HIGHEST)
        return ImageInput(
            tensor="image", shape=image.shape, dtype="int8", value_range=range_as_stored
        )

    def _value(self, name: str, *, int8: bool, pixels: int = 1) -> TensorRef:
        """A node's output as int8 or as float, in groups of pixels, written at most once."""
        tensor = self.tensors[name]
        is_int8 = tensor.quantization is not None
        if self._pixels(name) == pixels and is_int8 == int8:
            return tensor
        key = (name, pixels, int8)
        if key not in self.views:
            if is_int8 != int8:
                tensor = self._value(name, int8=is_int8, pixels=pixels)
                self.views[key] = (
                    op.quantize(self.graph, tensor, f"{name}.int8", self.plan.tensors[name])
                    if int8
                    else op.dequantize(self.graph, tensor, f"{name}.float32")
                )
            else:
                _, height, width, channels = tensor.shape
                row = width * channels
                grouped = pixels * self.shapes[name][2]
                shape = (1, height, row // grouped, grouped)
                self.views[key] = op.reshape(self.graph, tensor, f"{name}.by_{pixels}", shape)
        return self.views[key]

    def _pixels(self, name: str) -> int:
        """Pixels in a group of a node's output."""
        return self.tensors[name].shape[-1] // self.shapes[name][2]

    def _node(self, node: Node) -> TensorRef:
        quantization = self.plan.output(node.name)
        if isinstance(node.layer, Activation) and node.inputs[0] in self.fused:
            return self.tensors[node.inputs[0]]
        if isinstance(node.layer, Activation):
            return self._activation(node, node.layer.function)
        if quantization is not None and self._gives_pairs(node):
            return self._paired_convolution(node, quantization)
        inputs = [self._value(name, int8=quantization is not None) for name in node.inputs]
        match node.layer:
            case Image():
                height, width = self.network.image_size
                return self.writer.image(height, width, self.plan.tensors.get(node.name))
            case Convolution():
                return self._convolution(node, inputs[0], quantization)
            case AveragePool(size, stride):
                return op.average_pool_2d(self.graph, inputs[0], node.name, size, stride)
            case SpatialMean():
                return op.spatial_mean(self.graph, inputs[0], node.name, quantization)
            case TemporalMean():
                return self.writer.running_mean(
                    self.states[node.name], inputs[0], for_float16=self.for_float16
                )
            case PositionalEncoding():
                return self._positional_encoding(node, inputs[0])
            case Concatenate():
                return op.concatenate(self.graph, inputs, node.name, len(inputs[0].shape) - 1)
            case Multiply():
                return op.multiply(self.graph, inputs[0], inputs[1], node.name, quantization)
            case Add():
                return op.add(self.graph, inputs[0], inputs[1], node.name)
            case BatchNormalization() | Scale():
                raise ValueError(f"{node.name} has to be folded before lowering")

    def _gives_pairs(self, node: Node) -> bool:
        layer = node.layer
        return isinstance(layer, Convolution) and gives_pairs(layer, self.shapes[node.inputs[0]])

    def _paired_convolution(self, node: Node, quantization: Quantization) -> TensorRef:
        layer, source = node.layer, node.inputs[0]
        assert isinstance(layer, Convolution)
        kernel, bias = self._kernel_and_bias(node, layer)
        width = self.shapes[source][1]
        return op.conv_2d(
            self.graph,
            self._value(source, int8=True, pixels=PAIR * layer.stride),
            node.name,
            paired_kernel(kernel[0], layer.stride, width),
            np.tile(bias, PAIR),
            (layer.stride, 1),
            self.fused.get(node.name, "NONE"),
            quantization,
        )

    def _kernel_and_bias(
        self, node: Node, layer: Convolution
    ) -> tuple[op.FloatArray, op.FloatArray]:
        zeros = np.zeros(layer.filters, np.float32)
        return self.weights[f"{node.name}.kernel"], self.weights.get(f"{node.name}.bias", zeros)

    def _convolution(
        self, node: Node, x: TensorRef, quantization: Quantization | None
    ) -> TensorRef:
        layer = node.layer
        assert isinstance(layer, Convolution)
        kernel, bias = self._kernel_and_bias(node, layer)
        fused = self.fused.get(node.name, "NONE")
        if layer.kernel[0] == 1:
            return self._spatial_convolution(
                layer, x, node.name, kernel[0], bias, fused, quantization
            )
        state = self.states[node.name]
        stored = self._value(node.inputs[0], int8=node.inputs[0] in self.plan.tensors)
        past = self.writer.past_frames(state, stored.quantization)
        self.writer.keep_frame(state, past, stored)
        if quantization is None:
            past = [
                self._float(frame, f"{node.name}.past_{age}")
                for age, frame in zip(range(len(past), 0, -1), past, strict=True)
            ]
        frames = [*past, x]
        if layer.depthwise and layer.kernel[1:] == (1, 1):
            return op.temporal_conv_2d(
                self.graph, frames, node.name, kernel[:, 0, 0], bias, fused, quantization
            )
        return self._temporal_sum(node.name, layer, frames, kernel, bias, fused)

    def _float(self, tensor: TensorRef, name: str) -> TensorRef:
        return tensor if tensor.quantization is None else op.dequantize(self.graph, tensor, name)

    def _temporal_sum(
        self,
        name: str,
        layer: Convolution,
        frames: list[TensorRef],
        kernel: op.FloatArray,
        bias: op.FloatArray,
        fused: op.Fused,
    ) -> TensorRef:
        """The sum over frames of 2-D convolutions, the newest frame's with the bias."""
        newest = len(frames) - 1
        total = self._spatial_convolution(
            layer, frames[newest], f"{name}.tap_{newest}", kernel[newest], bias, "NONE"
        )
        zeros = np.zeros_like(bias)
        for tap, frame in enumerate(frames[:-1]):
            tap_name = f"{name}.tap_{tap}"
            term = self._spatial_convolution(layer, frame, tap_name, kernel[tap], zeros, "NONE")
            last = tap == newest - 1
            sum_name = name if last else f"{name}.sum_{tap}"
            total = op.add(self.graph, total, term, sum_name, fused if last else "NONE")
        return total

    def _spatial_convolution(
        self,
        layer: Convolution,
        x: TensorRef,
        name: str,
        kernel: op.FloatArray,
        bias: op.FloatArray,
        fused: op.Fused,
        quantization: Quantization | None = None,
    ) -> TensorRef:
        if len(x.shape) == 2:
            int4 = name in self.plan.int4_kernels
            return op.fully_connected(self.graph, x, name, kernel[0, 0], bias, fused, int4=int4)
        write = op.depthwise_conv_2d if layer.depthwise else op.conv_2d
        strides = (layer.stride, layer.stride)
        return write(self.graph, x, name, kernel, bias, strides, fused, quantization)

    def _activation(self, node: Node, function: ActivationFunction) -> TensorRef:
        """Computed in float; between int8 tensors, XNNPACK makes one table lookup of it."""
        source = node.inputs[0]
        x = self._value(source, int8=False, pixels=self._pixels(source))
        values = self._float_activation(function, x, node.name)
        if self.tensors[source].quantization is None or node.name not in self.plan.tensors:
            return values
        return op.quantize(self.graph, values, f"{node.name}.int8", self.plan.tensors[node.name])

    def _float_activation(self, function: ActivationFunction, x: TensorRef, name: str) -> TensorRef:
        graph = self.graph
        match function:
            case ActivationFunction.RELU | ActivationFunction.RELU6:
                return op.unary(graph, _FUSED[function], x, name)
            case ActivationFunction.HARD_SWISH:
                return op.unary(graph, "HARD_SWISH", x, name)
            case ActivationFunction.SIGMOID:
                return op.unary(graph, "LOGISTIC", x, name)
            case ActivationFunction.SWISH:
                return op.multiply(
                    graph, x, op.unary(graph, "LOGISTIC", x, f"{name}.sigmoid"), name
                )
            case ActivationFunction.HARD_SIGMOID | ActivationFunction.HARD_SIGMOID_KERAS:
                return self._hard_sigmoid(x, name, *HARD_SIGMOIDS[function])

    def _hard_sigmoid(self, x: TensorRef, name: str, slope: float, factor: float) -> TensorRef:
        """factor · relu6(slope · x + 3)."""
        graph = self.graph
        if slope != 1.0:
            x = op.multiply(graph, x, self._number(slope), f"{name}.slope")
        clipped = op.add(graph, x, self._number(3.0), f"{name}.relu6", "RELU6")
        return op.multiply(graph, clipped, self._number(factor), name)

    def _positional_encoding(self, node: Node, x: TensorRef) -> TensorRef:
        graph = self.graph
        position = self.writer.position(node.name)
        channels = x.shape[-1]
        if (position.index, channels) not in self.encodings:
            name = f"encoding_{channels}" if position.shape == (1, 1) else f"{node.name}.encoding"
            frequencies = encoding_frequencies(channels)[None]
            radians = op.multiply(
                graph, position, graph.constant(f"{name}.frequencies", frequencies), name
            )
            halves = [op.unary(graph, code, radians, f"{name}.{code}") for code in ("SIN", "COS")]
            self.encodings[position.index, channels] = op.concatenate(graph, halves, name, axis=1)
        scale = self._number(float(self.weights[f"{node.name}.scale"]))
        encoding = self.encodings[position.index, channels]
        scaled = op.multiply(graph, encoding, scale, f"{node.name}.scaled")
        return op.add(graph, x, scaled, node.name)

    def _number(self, value: float) -> TensorRef:
        return self.graph.constant(f"{value:g}", np.array([value], np.float32))


def _fused_activations(network: Network) -> dict[str, op.Fused]:
    """Convolutions that can apply the activation behind them, by name."""
    readers = consumers(network)
    fused: dict[str, op.Fused] = {}
    for node in network.nodes:
        if isinstance(node.layer, Activation) and node.layer.function in _FUSED:
            before = node.inputs[0]
            layer = next(n.layer for n in network.nodes if n.name == before)
            if isinstance(layer, Convolution) and len(readers[before]) == 1:
                fused[before] = _FUSED[node.layer.function]
    return fused
