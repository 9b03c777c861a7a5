"""What is known while a step is being lowered, node by node."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from movistream_converters.ir.layers import PositionalEncoding
from movistream_converters.ir.network import Network, node_shapes
from movistream_converters.ir.states import NetworkState, network_states
from movistream_converters.ir.weights import Weights
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import GraphBuilder, TensorRef
from movistream_converters.tflite.fusing import fused_activations
from movistream_converters.tflite.layouts import LAYOUT_WRITERS, LayoutWriter, StateLayout
from movistream_converters.tflite.precision import Precision
from movistream_converters.tflite.quantization import QuantizationPlan

FloatArray: TypeAlias = npt.NDArray[np.float32]


class Context:
    """One pass over the nodes, keeping each one's tensor.

    Attributes:
        graph: being written.
        writer: of states.
        weights: by canonical name.
        plan: what is int8.
        states: by node.
        shapes: by node.
        tensors: by node, filled in execution order.
        fused: activations that nodes apply themselves, by node.
        encodings: positional encodings that are written already, by position and channels.
        for_float16: means have to hold when computed in float16.
    """

    def __init__(
        self,
        network: Network,
        weights: Weights,
        layout: StateLayout,
        precision: Precision,
        plan: QuantizationPlan,
    ) -> None:
        self.plan = plan
        self.weights = weights
        self.graph = GraphBuilder(precision, [node.name for node in network.nodes])
        self.writer: LayoutWriter = LAYOUT_WRITERS[layout](self.graph)
        self.states: dict[str, NetworkState] = {s.node: s for s in network_states(network)}
        self.shapes = node_shapes(network)
        self.tensors: dict[str, TensorRef] = {}
        self.fused = fused_activations(network)
        self.encodings: dict[tuple[int, int], TensorRef] = {}
        # Positions count beyond what float16 holds.
        self.for_float16 = precision is Precision.FLOAT16 and not any(
            isinstance(node.layer, PositionalEncoding) for node in network.nodes
        )
        self._views: dict[tuple[str, int, bool], TensorRef] = {}

    def value(self, name: str, *, int8: bool, pixels: int = 1) -> TensorRef:
        """A node's output as int8 or as float, in groups of pixels, written at most once."""
        tensor = self.tensors[name]
        is_int8 = tensor.quantization is not None
        if self.pixels(name) == pixels and is_int8 == int8:
            return tensor
        key = (name, pixels, int8)
        if key not in self._views:
            if is_int8 != int8:
                tensor = self.value(name, int8=is_int8, pixels=pixels)
                view = self._view_name(name, int8=int8, pixels=pixels)
                self._views[key] = (
                    op.quantize(self.graph, tensor, view, self.plan.tensors[name])
                    if int8
                    else op.dequantize(self.graph, tensor, view)
                )
            else:
                _, height, width, channels = tensor.shape
                row = width * channels
                grouped = pixels * self.shapes[name][2]
                shape = (1, height, row // grouped, grouped)
                self._views[key] = op.reshape(self.graph, tensor, f"{name}.by_{pixels}", shape)
        return self._views[key]

    def kernel_and_bias(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Of a node whose outputs are the kernel's last axis; zeros where it has no bias."""
        kernel = self.weights[f"{name}.kernel"]
        zeros = np.zeros(kernel.shape[-1], np.float32)
        return kernel, self.weights.get(f"{name}.bias", zeros)

    def remembered(self, name: str, new: TensorRef) -> list[TensorRef]:
        """The past frames of a node's buffer, oldest first; the new one joins them."""
        state = self.states[name]
        past = self.writer.past_frames(state, new)
        self.writer.keep_frame(state, past, new)
        return past

    def _view_name(self, name: str, *, int8: bool, pixels: int) -> str:
        """In other numbers; the groups of pixels tell apart what has the same numbers."""
        view = f"{name}.{'int8' if int8 else 'float32'}"
        is_second = any((known, numbers) == (name, int8) for known, _, numbers in self._views)
        return f"{view}.by_{pixels}" if is_second else view

    def pixels(self, name: str) -> int:
        """Pixels in a group of a node's output."""
        return self.tensors[name].shape[-1] // self.shapes[name][2]

    def stored(self, name: str) -> TensorRef:
        """A node's output as past frames of it are kept: as int8 where the plan or it says so."""
        is_int8 = name in self.plan.stored or self.tensors[name].quantization is not None
        return self.value(name, int8=is_int8)

    def as_frame(self, x: TensorRef, name: str) -> TensorRef:
        """A vector as a frame of one pixel."""
        if len(x.shape) == 4:
            return x
        return op.reshape(self.graph, x, name, (1, 1, 1, x.shape[1]))

    def as_vector(self, x: TensorRef, name: str) -> TensorRef:
        """All numbers of a frame as a vector."""
        if len(x.shape) == 2:
            return x
        return op.reshape(self.graph, x, name, (1, int(np.prod(x.shape))))

    def number(self, value: float) -> TensorRef:
        """A constant of one number."""
        return self.graph.constant(f"{value:g}", np.array([value], np.float32))
