"""Puts the network together while layers are translated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import msgspec
import numpy as np

from movistream.system.text import has_control_characters
from movistream_converters.formats.keras_model.description import KerasLayer, refused
from movistream_converters.formats.keras_model.values import NO_PADDING, Value, padded
from movistream_converters.formats.keras_model.weights import checked
from movistream_converters.formats.limits import check_weights
from movistream_converters.ir.layers import (
    RULES,
    UNPADDED,
    AnyLayer,
    BatchNormalization,
    Convolution,
    Delay,
    LayerError,
    Previous,
)
from movistream_converters.ir.network import Node
from movistream_converters.ir.weights import Weights

IMAGE = "image"
_MOST_NODES = 4096
_MOST_CALLS = 2**14
"""Models within models may be called twice each: their calls multiply."""
_LONGEST_NAME = 120

Translate: TypeAlias = "Callable[[KerasLayer, tuple[Value, ...], Emitter], Value]"
"""Adds a layer's nodes, and returns what the layer gives."""


class Emitter:
    """Collects the nodes and the weights of a network.

    Attributes:
        table: of Keras' layers, by class name.
        frames: of a clip, where the model says how many.
        may_be_late: whether answers may come later than their frames.
        nodes: behind the image, as they run.
        weights: by canonical name.
        scaling: (factor, offset) of each channel that the image itself applies.
    """

    def __init__(
        self,
        table: Mapping[str, Translate],
        channels: int,
        frames: int | None = None,
        *,
        may_be_late: bool = False,
    ) -> None:
        self.table = table
        self.may_be_late = may_be_late
        self.frames = frames
        self.nodes: list[Node] = []
        self.weights: Weights = {}
        self.scaling: tuple[tuple[float, ...], tuple[float, ...]] | None = None
        self._unscaled = (1.0,) * channels, (0.0,) * channels
        self._names = {IMAGE}
        self._scope: tuple[str, ...] = ()
        self._calls = 0
        self._weight_shapes: list[tuple[int, ...]] = []
        self._delays: dict[tuple[str, int], str] = {}

    def add(
        self,
        layer: KerasLayer,
        what: AnyLayer,
        *inputs: Value,
        weights: Mapping[str, Any] | None = None,
        suffix: str = "",
        dims: tuple[int, ...] | None = None,
    ) -> Value:
        """Adds a node, and returns what it gives.

        Args:
            layer: of Keras', that it is made of, for its name and for errors.
            what: of the vocabulary.
            inputs: what it reads; padding around frames is made real before.
            weights: by short name.
            suffix: behind the name of the layer, where it is made of several nodes.
            dims: as Keras has them; by default those of the first input, if the shape is that one's
                too, and else the shape.

        Raises:
            ConversionError: if the layer does not fit its inputs or its weights, or there is time
                that it cannot see.
        """
        plain = [self.plain(layer, value) for value in inputs]
        first = plain[0]
        if any(
            (v.has_time, v.frames_behind) != (first.has_time, first.frames_behind) for v in plain
        ):
            raise refused(layer, "joins values of different numbers of frames")
        late = max(value.late_frames for value in plain)
        plain = [self._as_late(layer, value, late) for value in plain]
        shapes = tuple(value.shape for value in plain)
        try:
            shape = RULES[type(what)].shape(what, shapes)
            needed = RULES[type(what)].weights(what, shapes)
        except LayerError as error:
            raise refused(layer, f"cannot be: {error}") from None
        name = self._free_name(layer, suffix)
        given = weights or {}
        self._weigh(layer, name, {weight: (given.get(weight), needed[weight]) for weight in needed})
        nodes = tuple(value.node for value in plain)
        self._append(layer, Node(name, what, nodes, delay_frames=late))
        late += max(value.ahead_frames for value in plain)
        if dims is None:
            dims = first.dims if shape == first.shape else shape
        return replace(
            first,
            node=name,
            shape=shape,
            dims=dims,
            scaling=None,
            late_frames=late,
            ahead_frames=0,
        )

    def _as_late(self, layer: KerasLayer, value: Value, late_frames: int) -> Value:
        """A value that waits for one that lags more."""
        frames = late_frames - value.late_frames
        if not frames:
            return value
        key = value.node, frames
        if key not in self._delays:
            name = self._delays[key] = self._free_name(layer, "waiting")
            delay = Delay(frames)
            node = Node(name, delay, (value.node,), delay_frames=value.late_frames)
            self._append(layer, node)
        return replace(value, node=self._delays[key], late_frames=late_frames, scaling=None)

    def previous(self, layer: KerasLayer, like: Value, units: int, suffix: str) -> Value:
        """A vector that :meth:`remember` will say more of, as it was for the frame before.

        Args:
            like: a value whose time it shares.
            units: of the vector.
        """
        name = self._free_name(layer, suffix)
        shape = (1, 1, units)
        node = Node(name, Previous(shape), (), delay_frames=like.late_frames)
        self._append(layer, node)
        return replace(like, node=name, shape=shape, dims=(units,), scaling=None)

    def remember(self, previous: Value, value: Value) -> None:
        """Tells what a previous vector was: what a node gives that came later."""
        for index, node in enumerate(self.nodes):
            if node.name == previous.node:
                self.nodes[index] = msgspec.structs.replace(node, inputs=(value.node,))

    @contextmanager
    def within(self, layer: KerasLayer) -> Iterator[None]:
        """Nodes that are added within are named behind a model or a wrapper."""
        outer = self._scope
        self._scope = (*outer, layer.name)
        try:
            yield
        finally:
            self._scope = outer

    def count_call(self, layer: KerasLayer) -> None:
        """Refuses models whose calls multiply."""
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise refused(layer, f"is one of more than {_MOST_CALLS} calls")

    def plain(self, layer: KerasLayer, value: Value) -> Value:
        """A value without padding that is still to come.

        Raises:
            ConversionError: if there are zeros before the clip, which only a kernel can see.
        """
        if value.zeros_before:
            raise refused(
                layer,
                f"sees {value.zeros_before} frames of zeros before the clip; padding in time goes"
                " right before the convolution that sees it, with padding 'valid'",
            )
        value = self.settled(layer, value)
        top, bottom, left, right = value.padding
        if value.padding == NO_PADDING:
            return value
        # A kernel of a single one moves the frame; what it does not reach is cropped.
        before, behind = (max(-top, 0), max(-left, 0)), (max(-bottom, 0), max(-right, 0))
        size = before[0] + behind[0] + 1, before[1] + behind[1] + 1
        shape = padded(value.shape, value.padding)
        around = max(top, 0), max(bottom, 0), max(left, 0), max(right, 0)
        if min(shape) < 1 or size[0] > value.shape[0] or size[1] > value.shape[1]:
            raise refused(layer, f"reads frames of {list(shape)}, of which nothing is left")
        channels = value.shape[2]
        check_weights(layer.path, [(*size, channels)])
        kernel = np.zeros((1, *size, channels), np.float32)
        kernel[0, before[0], before[1]] = 1.0
        moved = Convolution(channels, (1, *size), depthwise=True, padding=around or UNPADDED)
        bare = replace(value, padding=NO_PADDING, dims=value.shape)
        return self.add(layer, moved, bare, weights={"kernel": kernel}, suffix="padded")

    def delayed(self, layer: KerasLayer, value: Value) -> Value:
        """A value of which frames were put before the clip and cropped behind it, as one that
        lags."""
        frames = min(value.zeros_before, -value.frames_behind)
        if frames <= 0:
            return value
        bare = replace(self.settled(layer, value), zeros_before=0, padding=NO_PADDING)
        late = self.add(layer, Delay(frames), bare, suffix="late")
        return replace(
            value,
            node=late.node,
            scaling=None,
            zeros_before=value.zeros_before - frames,
            frames_behind=value.frames_behind + frames,
        )

    def settled(self, layer: KerasLayer, value: Value) -> Value:
        """A value whose scaling has been applied, by the image itself where that can."""
        if value.node != IMAGE:
            return value
        wanted = value.scaling or self._unscaled
        if self.scaling is None:
            self.scaling = wanted if min(wanted[0]) > 0 else self._unscaled
        if wanted == self.scaling:
            return replace(value, scaling=wanted)
        factor, offset = (np.array(numbers) for numbers in wanted)
        own_factor, own_offset = (np.array(numbers) for numbers in self.scaling)
        factor = factor / own_factor
        name = self._free_name(layer, "scaling")
        offset = offset - own_offset * factor
        self._affine(layer, name, factor, offset)
        return replace(value, node=name, scaling=None)

    def affine(
        self, layer: KerasLayer, value: Value, factor: Any, offset: Any, suffix: str = ""
    ) -> Value:
        """Each channel times a factor, and an offset added."""
        plain = self.plain(layer, value)
        name = self._free_name(layer, suffix)
        self._affine(layer, name, factor, offset, plain.node)
        return replace(plain, node=name, scaling=None)

    def _affine(
        self, layer: KerasLayer, name: str, factor: Any, offset: Any, node: str = IMAGE
    ) -> None:
        ones = np.ones_like(np.asarray(factor, np.float32))
        values = {"gamma": factor, "beta": offset, "mean": 0.0 * ones, "variance": ones}
        self._weigh(layer, name, {weight: (values[weight], ones.shape) for weight in values})
        self._append(layer, Node(name, BatchNormalization(0.0), (node,)))

    def _free_name(self, layer: KerasLayer, suffix: str = "") -> str:
        parts = (*self._scope, layer.name, *([suffix] if suffix else ()))
        base = ".".join(part for part in parts if part).replace("/", ".")
        if has_control_characters(base) or not base:
            raise refused(layer, "has a name that is no text")
        base = base[-_LONGEST_NAME:]
        name, number = base, 1
        while name in self._names:
            number += 1
            name = f"{base}_{number}"
        self._names.add(name)
        return name

    def _weigh(
        self, layer: KerasLayer, name: str, given: Mapping[str, tuple[Any, tuple[int, ...]]]
    ) -> None:
        """Takes a node's weights, each with the shape that it has to have."""
        self._weight_shapes += [shape for _, shape in given.values()]
        # Layers that are called often have their weights as often.
        check_weights(layer.path, self._weight_shapes)
        for weight, (value, shape) in given.items():
            self.weights[f"{name}.{weight}"] = checked(layer, value, shape)

    def _append(self, layer: KerasLayer, node: Node) -> None:
        self.nodes.append(node)
        if len(self.nodes) >= _MOST_NODES:
            raise refused(layer, f"makes the network one of more than {_MOST_NODES} nodes")
