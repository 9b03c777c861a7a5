"""X3D, which MoViNets are compared with, described on the layers of :mod:`.ir.network`.

Source: arXiv 2004.04730; widths, depths and the places of squeeze-excite as in the reference
implementation (facebookresearch/SlowFast, Apache-2.0). To be priced, not to be converted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from movistream_converters.ir.network import (
    Activation,
    ActivationFunction,
    Add,
    BatchNormalization,
    Convolution,
    Image,
    Layer,
    Multiply,
    Network,
    Node,
    SpatialMean,
    TemporalMean,
)
from movistream_converters.networks.movinet import make_divisible

_STEM_FILTERS = 12
_STAGES = ((12, 1), (24, 2), (48, 5), (96, 3))
"""(filters, blocks) at width and depth 1."""

_BOTTLENECK = 2.25
_SQUEEZE_RATIO = 0.0625
_HIDDEN_FILTERS = 2048


@dataclass(frozen=True)
class X3D:
    """One member of the family.

    Attributes:
        width: factor of the numbers of channels.
        depth: factor of the numbers of blocks.
        frames: of a clip.
        image_size: pixels per side of a clip's crop in training.
        test_image_size: of one of the three crops that published figures are of.
    """

    width: float
    depth: float
    frames: int
    image_size: int
    test_image_size: int


X3DS = {
    "s": X3D(2.0, 2.2, 13, 160, 182),
    "m": X3D(2.0, 2.2, 16, 224, 256),
    "l": X3D(2.0, 5.0, 16, 312, 356),
    "xl": X3D(2.9, 5.0, 16, 312, 356),
}


def build_x3d(name: str, num_classes: int, image_size: int) -> Network:
    """The network of a key of :data:`X3DS`."""
    spec = X3DS[name]
    builder = _Builder()
    builder.add("image", Image())
    stem = make_divisible(_STEM_FILTERS * spec.width)
    builder.add("stem.space", Convolution(stem, (1, 3, 3), 2))
    builder.add("stem.time", Convolution(stem, (5, 1, 1), depthwise=True))
    builder.normalized("stem", ActivationFunction.RELU)
    for i, (base, repeats) in enumerate(_STAGES):
        filters = make_divisible(base * spec.width)
        for j in range(math.ceil(repeats * spec.depth)):
            builder.block(f"block{i}_layer{j}", filters, first=j == 0, gated=j % 2 == 0)
    builder.add("head.project", Convolution(_inner(filters)))
    builder.normalized("head", ActivationFunction.RELU)
    builder.add("head.space", SpatialMean())
    builder.add("head.pool", TemporalMean())
    builder.add("classifier.hidden", Convolution(_HIDDEN_FILTERS))
    builder.add("classifier.act", Activation(ActivationFunction.RELU))
    builder.add("classifier.logits", Convolution(num_classes, bias=True))
    return Network(f"x3d-{name}", tuple(builder.nodes), (image_size, image_size), causal=False)


def _inner(filters: int) -> int:
    return int(_BOTTLENECK * filters)


class _Builder:
    """Collects nodes, each reading the one before it unless told otherwise."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(self, name: str, layer: Layer, *inputs: str) -> str:
        if not inputs and self.nodes:
            inputs = (self.nodes[-1].name,)
        self.nodes.append(Node(name, layer, inputs))
        return name

    def normalized(self, name: str, function: ActivationFunction | None = None) -> str:
        last = self.add(f"{name}.bn", BatchNormalization(1e-5))
        return last if function is None else self.add(f"{name}.act", Activation(function))

    def block(self, block: str, filters: int, *, first: bool, gated: bool) -> str:
        """A bottleneck with a residual connection; the first of a stage halves the frame."""
        entry = self.nodes[-1].name
        inner, stride = _inner(filters), 2 if first else 1
        self.add(f"{block}.expansion", Convolution(inner))
        self.normalized(f"{block}.expansion", ActivationFunction.RELU)
        self.add(f"{block}.feature", Convolution(inner, (3, 3, 3), stride, depthwise=True))
        feature = self.normalized(f"{block}.feature")
        if gated:
            self.add(f"{block}.se.space", SpatialMean())
            self.add(f"{block}.se.pool", TemporalMean())
            hidden = make_divisible(_SQUEEZE_RATIO * inner)
            self.add(f"{block}.se.reduce", Convolution(hidden, bias=True))
            self.add(f"{block}.se.act", Activation(ActivationFunction.RELU))
            self.add(f"{block}.se.expand", Convolution(inner, bias=True))
            gate = self.add(f"{block}.se.gate", Activation(ActivationFunction.SIGMOID))
            self.add(f"{block}.se.multiply", Multiply(), feature, gate)
        self.add(f"{block}.act", Activation(ActivationFunction.SWISH))
        self.add(f"{block}.projection", Convolution(filters))
        residual = self.normalized(f"{block}.projection")
        if first:
            self.add(f"{block}.skip", Convolution(filters, stride=stride), entry)
            entry = self.normalized(f"{block}.skip")
        self.add(f"{block}.add", Add(), residual, entry)
        return self.add(f"{block}.out", Activation(ActivationFunction.RELU))
