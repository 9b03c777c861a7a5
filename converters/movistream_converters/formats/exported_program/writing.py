"""The network that a program becomes, while it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from movistream_converters.ir.layers import (
    RULES,
    AnyLayer,
    Delay,
    Dense,
    Image,
    Shape,
    Slice,
    SpatialMean,
)
from movistream_converters.ir.network import Network, Node
from movistream_converters.ir.tags import stage
from movistream_converters.ir.weights import Weights

IMAGE = "image"
_BEGUN = "begun"
_LONGEST_NAME = 120


@dataclass
class Writing:
    """A network as far as it is written.

    Attributes:
        stage: of the nodes to come.
        shapes: of what nodes give, by their names.
        found: slices and delays, by what they take and the frame that begins with; each is written
            once.
    """

    image: Image
    image_size: tuple[int, int]
    stage: str = "network"
    nodes: dict[str, Node] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    weights: Weights = field(default_factory=dict)
    found: dict[tuple[str, AnyLayer, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nodes[IMAGE] = Node(IMAGE, self.image)
        self.shapes[IMAGE] = (*self.image_size, self.image.channels)

    def add(
        self,
        name: str,
        layer: AnyLayer,
        *inputs: str,
        weights: Mapping[str, npt.NDArray[Any]] | None = None,
        begins: int = 0,
    ) -> str:
        """Writes a node, and returns its name, which is the given one or much like it.

        Args:
            begins: the first frame of which it keeps anything.

        Raises:
            LayerError: if the layer does not fit what it reads.
        """
        shape = RULES[type(layer)].shape(
            layer, tuple(self.shapes.get(n, (1, 1, 1)) for n in inputs)
        )
        name = self.free_name(name)
        self.shapes[name] = shape
        self.nodes[name] = Node(name, layer, inputs, "", (stage(self.stage),), begins)
        for weight, value in (weights or {}).items():
            self.weights[f"{name}.{weight}"] = np.array(value, np.float32, order="C")
        return name

    def remember(self, previous: str, node: str) -> None:
        """Says which node a :class:`.Previous` gives the value of the frame before of."""
        self.nodes[previous] = msgspec.structs.replace(self.nodes[previous], inputs=(node,))

    def free_name(self, name: str) -> str:
        """A name that no node has, and that a node may have."""
        kept = "".join(c if c.isprintable() and c != "/" else "_" for c in name[:_LONGEST_NAME])
        kept, number = kept or "node", 1
        free = kept
        while free in self.nodes:
            number += 1
            free = f"{kept}_{number}"
        return free

    def delayed(self, node: str, frames: int, begins: int = 0) -> str:
        """What a node gave so many frames ago; zero for what it gave before it begins. Delays of
        one node share what they keep.
        """
        if not frames:
            return node
        shorter = [
            layer.frames
            for source, layer, first in self.found
            if (source, first) == (node, begins)
            and isinstance(layer, Delay)
            and layer.frames <= frames
        ]
        begun = max(shorter, default=0)
        before = self.found[node, Delay(begun), begins] if begun else node
        if begun == frames:
            return before
        # What a delay of it gives is zero before it begins already.
        first = 0 if begun else begins
        name = self.add(f"{node}.delayed_{frames}", Delay(frames - begun), before, begins=first)
        self.found[node, Delay(frames), begins] = name
        return name

    def begun(self, frame: int) -> str:
        """A node that gives 1 from a frame on, and 0 before."""
        if not (found := [one for one in self.nodes if one == _BEGUN]):
            mean = self.add(f"{_BEGUN}.mean", SpatialMean(), IMAGE)
            channels = self.image.channels
            nothing = {"kernel": np.zeros((1, 1, channels, 1)), "bias": np.ones(1)}
            found = [self.add(_BEGUN, Dense(1), mean, weights=nothing)]
        return self.delayed(found[0], frame) if frame else found[0]

    def sliced(self, node: str, start: int, stop: int) -> str:
        """Some channels of what a node gives."""
        if (start, stop) == (0, self.shapes[node][2]):
            return node
        layer = self.nodes[node].layer
        if isinstance(layer, Slice):
            return self.sliced(self.nodes[node].inputs[0], layer.start + start, layer.start + stop)
        key = node, Slice(start, stop), 0
        if key not in self.found:
            self.found[key] = self.add(f"{node}.channels_{start}_{stop}", key[1], node)
        return self.found[key]

    def network(self, name: str, last: str, delay_frames: int = 0) -> tuple[Network, Weights]:
        """The network of all that a node needs.

        Args:
            delay_frames: that the node is late.

        Raises:
            NetworkError: if it is none.
        """
        needed = {IMAGE}
        waiting = [last]
        while waiting:
            node = waiting.pop()
            if node not in needed:
                needed.add(node)
                waiting += self.nodes[node].inputs
        nodes = tuple(node for name, node in self.nodes.items() if name in needed)
        weights = {
            key: value for key, value in self.weights.items() if key.rpartition(".")[0] in needed
        }
        network = Network(name, nodes, self.image_size, delay_frames=delay_frames)
        return network, weights
