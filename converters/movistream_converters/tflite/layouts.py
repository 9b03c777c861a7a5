"""State layouts: how a stream's memory becomes tensors of a file.

``frames`` (the default): each past frame of a stream buffer is a tensor of its own and the graph
returns only the new one, so nothing is shifted or copied; pools hold the running mean, which stays
in range however long the stream is; one float32 clock counts frames, and a position does where
positional encodings need it.

``model-garden``: the names, shapes, dtypes and meaning of the files that TensorFlow Model Garden
exports: 5-D buffers, running sums, and an int32 frame count beside every pool and every positional
encoding. For programs that were written for those files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any

import numpy as np

from movistream.file.manifest import State
from movistream_converters.ir.states import NetworkState, clock_name, position_name, window_name
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import GraphBuilder, QuantizationParameters, TensorRef


class StateLayout(str, Enum):
    """The layouts, by the names that the command line gives them."""

    FRAMES = "frames"
    MODEL_GARDEN = "model-garden"


class LayoutError(ValueError):
    """A layout that has no place for a network's states."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the state layout 'model-garden' has no place for {what}; only 'frames' has"
        )


class LayoutWriter(ABC):
    """Writes a layout's inputs, outputs and bookkeeping into a graph while it is lowered."""

    def __init__(self, graph: GraphBuilder) -> None:
        self.graph = graph
        self.states: list[State] = []

    @abstractmethod
    def image(
        self, height: int, width: int, channels: int, quantization: QuantizationParameters | None
    ) -> TensorRef:
        """Adds the image input; returns it as (1, height, width, channels).

        Args:
            quantization: that of its int8 readers, if there are any.
        """

    @abstractmethod
    def past_frames(self, state: NetworkState, new: TensorRef) -> list[TensorRef]:
        """Adds a stream buffer's inputs; returns its frames, oldest first.

        Args:
            new: the frame that joins them, of the same shape and quantisation.
        """

    @abstractmethod
    def keep_frame(self, state: NetworkState, past: list[TensorRef], new: TensorRef) -> None:
        """Adds a stream buffer's output: the past without its oldest frame, then the new one."""

    @abstractmethod
    def previous(self, state: NetworkState, shape: tuple[int, ...]) -> TensorRef:
        """Adds the input of a recurrent value, float32."""

    @abstractmethod
    def keep_value(self, state: NetworkState, new: TensorRef) -> None:
        """Adds the output of a recurrent value."""

    @abstractmethod
    def window_weight(self, frames: int, delay_frames: int) -> TensorRef:
        """1 / frames, or 1 / frames seen where those are fewer: float32, one element.

        Args:
            delay_frames: of the node, see :class:`.ir.network.Node`.
        """

    @abstractmethod
    def running_mean(self, state: NetworkState, x: TensorRef, *, for_float16: bool) -> TensorRef:
        """The mean of x (1, channels) over all frames so far, kept for the next step.

        Args:
            for_float16: keep what rounding takes from it too, so that it does not stand still
                when computed in float16.
        """

    @abstractmethod
    def position(self, name: str, delay_frames: int) -> TensorRef:
        """The index of this frame, for a positional encoding: float32, one element.

        Args:
            name: of the node's state.
            delay_frames: of the node, see :class:`.ir.network.Node`.
        """

    @abstractmethod
    def finish(self) -> None:
        """Adds what is written once, behind everything else."""

    def own(self, tensor: TensorRef, name: str) -> TensorRef:
        """What can become the output of that name: the tensor itself, or a copy where it is an
        input or an output already."""
        graph = self.graph
        taken = {t.index for t in (*graph.inputs.values(), *graph.outputs.values())}
        if tensor.index not in taken:
            return tensor
        return op.reshape(graph, tensor, f"{name}.copy", tensor.shape)

    def _replaced(
        self, role: str, name: str, before: TensorRef, after: TensorRef, delay_frames: int = 0
    ) -> None:
        """Records a state whose output, of the same name, replaces its input."""
        self.graph.output(name, self.own(after, name))
        self.states.append(
            State(
                name=name.removeprefix("state_"),
                role=role,  # type: ignore[arg-type]
                inputs=(name,),
                output=name,
                advance="replace",
                shape=before.shape,
                dtype=before.dtype,  # type: ignore[arg-type]
                delay_frames=delay_frames,
                **_stored(before),
            )
        )


def _stored(tensor: TensorRef) -> dict[str, Any]:
    """What a state says about its numbers."""
    quantization = tensor.quantization
    if quantization is None:
        return {}
    # As the file holds it, in single precision.
    scale = float(np.float32(quantization.scale))
    return {"initial": float(quantization.zero_point), "scale": scale}


def _buffer_name(state: NetworkState) -> str:
    return f"state_{state.name}_stream_buffer"


class FramesLayout(LayoutWriter):
    """See the module's description."""

    def __init__(self, graph: GraphBuilder) -> None:
        super().__init__(graph)
        self._clocks: dict[int, TensorRef] = {}
        self._seen: dict[int, TensorRef] = {}
        self._weights: dict[int, TensorRef] = {}
        self._window_weights: dict[str, TensorRef] = {}
        self._positions: dict[int, TensorRef] = {}

    def image(
        self, height: int, width: int, channels: int, quantization: QuantizationParameters | None
    ) -> TensorRef:
        return self.graph.input("image", (1, height, width, channels), quantization=quantization)

    def past_frames(self, state: NetworkState, new: TensorRef) -> list[TensorRef]:
        name = _buffer_name(state)
        return [
            self.graph.input(f"{name}_{i}", new.shape, quantization=new.quantization)
            for i in range(state.frames)
        ]

    def keep_frame(self, state: NetworkState, past: list[TensorRef], new: TensorRef) -> None:
        name = _buffer_name(state)
        self.graph.output(name, self.own(new, name))
        self.states.append(
            State(
                name=name.removeprefix("state_"),
                role="buffer",
                inputs=tuple(f"{name}_{i}" for i in range(state.frames)),
                output=name,
                advance="shift",
                shape=new.shape,
                dtype=new.dtype,  # type: ignore[arg-type]
                delay_frames=state.delay_frames,
                **_stored(new),
            )
        )

    def previous(self, state: NetworkState, shape: tuple[int, ...]) -> TensorRef:
        return self.graph.input(f"{_buffer_name(state)}_0", shape)

    def keep_value(self, state: NetworkState, new: TensorRef) -> None:
        before = self.graph.inputs[f"{_buffer_name(state)}_0"]
        if new.shape != before.shape:
            new = op.reshape(self.graph, new, f"{_buffer_name(state)}.value", before.shape)
        self.keep_frame(state, [before], new)

    def window_weight(self, frames: int, delay_frames: int) -> TensorRef:
        name = window_name(frames, delay_frames)
        if name not in self._window_weights:
            # Not by the clock: that one stands still where a stream has a horizon.
            graph = self.graph
            before = graph.input(f"state_{name}_count", (1, 1))
            more = op.add(graph, before, self._one(), f"{name}.more")
            most = graph.constant(f"{name}.most", np.array([[frames]], np.float32))
            seen = op.minimum(graph, more, most, f"{name}.seen")
            self._replaced("buffer", f"state_{name}_count", before, seen, delay_frames)
            self._window_weights[name] = op.divide(graph, self._one(), seen, f"{name}.weight")
        return self._window_weights[name]

    def running_mean(self, state: NetworkState, x: TensorRef, *, for_float16: bool) -> TensorRef:
        """mean + (x − mean) / frames: no sum that grows."""
        graph = self.graph
        block = f"state_{state.name}"
        before = graph.input(f"{block}_pool_mean", x.shape)
        delay = state.delay_frames
        change = op.subtract(graph, x, before, f"{state.node}.change")
        step = op.multiply(graph, change, self._new_frame_weight(delay), f"{state.node}.step")
        if for_float16:
            name = f"{block}_pool_remainder"
            left_over = graph.input(name, x.shape)
            step = op.add(graph, step, left_over, f"{state.node}.due")
        mean = op.add(graph, before, step, state.node)
        self._replaced("pool", f"{block}_pool_mean", before, mean, delay)
        if for_float16:
            added = op.subtract(graph, mean, before, f"{state.node}.added")
            remainder = op.subtract(graph, step, added, f"{state.node}.remainder")
            self._replaced("remainder", name, left_over, remainder, delay)
        return mean

    def position(self, name: str, delay_frames: int) -> TensorRef:
        """Not the clock: that one stands still where a stream has a horizon."""
        if delay_frames not in self._positions:
            own = f"state_{position_name(delay_frames)}"
            self._positions[delay_frames] = self.graph.input(own, (1, 1))
        return self._positions[delay_frames]

    def finish(self) -> None:
        for delay, clock in self._clocks.items():
            seen = self._seen_frames(delay)
            self._replaced("clock", f"state_{clock_name(delay)}", clock, seen, delay)
        for delay, position in self._positions.items():
            name = position_name(delay)
            following = op.add(self.graph, position, self._one(), f"{name}.next")
            self._replaced("position", f"state_{name}", position, following, delay)

    def _seen_frames(self, delay_frames: int) -> TensorRef:
        """Frames seen since the delay was over, this one included."""
        if delay_frames not in self._seen:
            graph, name = self.graph, clock_name(delay_frames)
            clock = self._clocks[delay_frames] = graph.input(f"state_{name}", (1, 1))
            self._seen[delay_frames] = op.add(graph, clock, self._one(), f"{name}.seen")
        return self._seen[delay_frames]

    def _new_frame_weight(self, delay_frames: int) -> TensorRef:
        """1 / frames seen: what the new frame weighs in a mean."""
        if delay_frames not in self._weights:
            one, seen = self._one(), self._seen_frames(delay_frames)
            name = f"{clock_name(delay_frames)}.weight"
            self._weights[delay_frames] = op.divide(self.graph, one, seen, name)
        return self._weights[delay_frames]

    def _one(self) -> TensorRef:
        return self.graph.constant("one", np.ones((1, 1), np.float32))


class ModelGardenLayout(LayoutWriter):
    """See the module's description."""

    def image(
        self, height: int, width: int, channels: int, quantization: QuantizationParameters | None
    ) -> TensorRef:
        image = self.graph.input("image", (1, 1, height, width, channels))
        return op.reshape(self.graph, image, "image.frame", (1, height, width, channels))

    def past_frames(self, state: NetworkState, new: TensorRef) -> list[TensorRef]:
        graph = self.graph
        shape = (1, state.frames, *state.shape)
        buffer = graph.input(_buffer_name(state), shape, quantization=new.quantization)
        # Vectors are stacked as vectors.
        stacked = (state.frames, *new.shape[1:])
        frames = op.reshape(graph, buffer, f"{state.node}.stacked", stacked)
        if state.frames == 1:
            return [frames]
        return [
            op.take(graph, frames, f"{state.node}.frame_{i}", 0, i, 1) for i in range(state.frames)
        ]

    def keep_frame(self, state: NetworkState, past: list[TensorRef], new: TensorRef) -> None:
        graph = self.graph
        kept = op.concatenate(graph, [*past[1:], new], f"{state.node}.kept", axis=0)
        shape = (1, state.frames, *state.shape)
        buffer = op.reshape(graph, kept, f"{state.node}.buffer", shape)
        self._replaced("buffer", _buffer_name(state), buffer, buffer)

    def previous(self, state: NetworkState, shape: tuple[int, ...]) -> TensorRef:
        return self.graph.input(_buffer_name(state), shape)

    def keep_value(self, state: NetworkState, new: TensorRef) -> None:
        name = _buffer_name(state)
        before = self.graph.inputs[name]
        if new.shape != before.shape:
            new = op.reshape(self.graph, new, f"{name}.value", before.shape)
        self._replaced("buffer", name, before, new)

    def window_weight(self, frames: int, delay_frames: int) -> TensorRef:
        raise LayoutError("a mean over a window")

    def running_mean(self, state: NetworkState, x: TensorRef, *, for_float16: bool) -> TensorRef:
        graph = self.graph
        prefix = f"state_{state.name}_pool"
        buffer = graph.input(f"{prefix}_buffer", (1, 1, *state.shape))
        before = op.reshape(graph, buffer, f"{state.node}.before", x.shape)
        total = op.add(graph, before, x, f"{state.node}.sum")
        after = op.reshape(graph, total, f"{state.node}.after", buffer.shape)
        self._replaced("pool", f"{prefix}_buffer", buffer, after)
        _, seen = self._count(f"{prefix}_frame_count")
        divisor = op.cast_to_float(graph, seen, f"{state.node}.frames")
        return op.divide(graph, total, divisor, state.node)

    def position(self, name: str, delay_frames: int) -> TensorRef:
        before, _ = self._count(f"state_{name}_pos_enc_frame_count")
        return op.cast_to_float(self.graph, before, f"{name}.index")

    def finish(self) -> None:
        """Nothing is written once."""

    def _count(self, name: str) -> tuple[TensorRef, TensorRef]:
        """A frame count's value before and after this frame."""
        before = self.graph.input(name, (1,), "int32")
        one = self.graph.constant("one_frame", np.ones((1,), np.int32))
        after = op.add(self.graph, before, one, f"{name}.next")
        self._replaced("clock", name, before, after)
        return before, after


LAYOUT_WRITERS: dict[StateLayout, type[LayoutWriter]] = {
    StateLayout.FRAMES: FramesLayout,
    StateLayout.MODEL_GARDEN: ModelGardenLayout,
}
