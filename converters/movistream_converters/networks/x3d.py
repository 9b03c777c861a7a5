"""X3D, described on the layers of :mod:`.ir.layers`.

Source: arXiv 2004.04730; widths, depths and the places of squeeze-excite as in the reference
implementations (facebookresearch/SlowFast and facebookresearch/pytorchvideo, Apache-2.0). These
networks see whole clips; :mod:`.ir.streaming` makes streams of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    UNPADDED,
    Activation,
    ActivationFunction,
    Add,
    BatchNormalization,
    Convolution,
    Image,
    Multiply,
    Padding,
    Pool,
    SpatialMean,
    TemporalMean,
)
from movistream_converters.ir.network import Network
from movistream_converters.ir.tags import SKIP, SQUEEZE_EXCITE, stage
from movistream_converters.networks.movinet import make_divisible

IMAGE = Image(mean=(0.45,) * 3, std=(0.225,) * 3)
_NORM_EPSILON = 1e-5
_AROUND: Padding = (1, 1, 1, 1)
_STEM_FILTERS = 12
_STAGES = ((12, 1), (24, 2), (48, 5), (96, 3))
"""(filters, blocks) at width and depth 1."""

_BOTTLENECK = 2.25
_SQUEEZE_RATIO = 0.0625
_HIDDEN_FILTERS = 2048


@dataclass(frozen=True)
class Block:
    """One bottleneck with a residual connection.

    Attributes:
        inner: channels between the outer convolutions.
        filters: channels that it gives.
        stride: of height and width.
        squeeze: channels of the gate's hidden layer; None for no gate.
        projects: whether the shortcut is a convolution.
        normalises_shortcut: whether a batch norm follows that.
    """

    inner: int
    filters: int
    stride: int
    squeeze: int | None
    projects: bool
    normalises_shortcut: bool = True


@dataclass(frozen=True)
class Table:
    """All that decides the graph of an X3D.

    Attributes:
        stem: channels of the stem.
        stages: blocks by stage.
        head: channels before the means.
        hidden: channels behind them.
        num_classes: of the logits.
        window: (height, width) of the mean over space, which slides by one; the logits are then the
            mean over its places. None: it is the whole frame's.
    """

    stem: int
    stages: tuple[tuple[Block, ...], ...]
    head: int
    hidden: int
    num_classes: int
    window: tuple[int, int] | None = None


@dataclass(frozen=True)
class X3D:
    """One member of the family.

    Attributes:
        width: factor of the numbers of channels.
        depth: factor of the numbers of blocks.
        frames: of a clip.
        frames_per_second: that it is trained to see: 30, and one frame in 12, 6 or 5.
        image_size: pixels per side of a clip's crop in training.
        test_image_size: of one of the three crops that published figures are of.
    """

    width: float
    depth: float
    frames: int
    frames_per_second: float
    image_size: int
    test_image_size: int


X3DS = {
    "xs": X3D(2.0, 2.2, 4, 2.5, 160, 182),
    "s": X3D(2.0, 2.2, 13, 5.0, 160, 182),
    "m": X3D(2.0, 2.2, 16, 6.0, 224, 256),
    "l": X3D(2.0, 5.0, 16, 6.0, 312, 356),
    "xl": X3D(2.9, 5.0, 16, 6.0, 312, 356),
}
"""XS, S and M have the same weights' shapes, which L and XL do not."""


def table_of(name: str, num_classes: int) -> Table:
    """The table of a key of :data:`X3DS`."""
    spec = X3DS[name]
    stages = []
    for base, repeats in _STAGES:
        filters = make_divisible(base * spec.width)
        inner = _inner(filters)
        stages.append(
            tuple(
                Block(
                    inner=inner,
                    filters=filters,
                    stride=2 if index == 0 else 1,
                    squeeze=make_divisible(_SQUEEZE_RATIO * inner) if index % 2 == 0 else None,
                    projects=index == 0,
                )
                for index in range(math.ceil(repeats * spec.depth))
            )
        )
    stem = make_divisible(_STEM_FILTERS * spec.width)
    return Table(stem, tuple(stages), _inner(filters), _HIDDEN_FILTERS, num_classes)


def features_side(table: Table, image_size: int) -> int:
    """How many of the last features there are along a side of an image."""
    side = -(-image_size // 2)
    for blocks in table.stages:
        for block in blocks:
            side = -(-side // block.stride)
    return side


def _inner(filters: int) -> int:
    return int(_BOTTLENECK * filters)


def build_x3d(name: str, table: Table, image_size: int) -> Network:
    """The network of a table; it sees clips."""
    builder = _Builder(name, (image_size, image_size), IMAGE, causal=False)
    with builder.tagged(stage("stem")):
        builder.add("stem.space", Convolution(table.stem, (1, 3, 3), (2, 2), padding=_AROUND))
        builder.add("stem.time", Convolution(table.stem, (5, 1, 1), depthwise=True))
        builder.normalized("stem", ActivationFunction.RELU)
    for i, blocks in enumerate(table.stages):
        with builder.tagged(stage(f"block{i}")):
            for j, block in enumerate(blocks):
                builder.block(f"block{i}_layer{j}", block)
    with builder.tagged(stage("head")):
        builder.add("head.project", Convolution(table.head))
        builder.normalized("head", ActivationFunction.RELU)
        if table.window is None:
            builder.add("head.space", SpatialMean())
        else:
            builder.add("head.space", Pool("average", table.window, (1, 1), UNPADDED))
        builder.add("head.pool", TemporalMean())
    with builder.tagged(stage("classifier")):
        builder.add("classifier.hidden", Convolution(table.hidden))
        builder.add("classifier.act", Activation(ActivationFunction.RELU))
        builder.add("classifier.logits", Convolution(table.num_classes, bias=True))
        if table.window is not None:
            builder.add("classifier.mean", SpatialMean())
    return builder.build()


class _Builder(NetworkBuilder):
    """What X3Ds are built of."""

    def normalized(self, name: str, function: ActivationFunction | None = None) -> str:
        last = self.add(f"{name}.bn", BatchNormalization(_NORM_EPSILON))
        return last if function is None else self.add(f"{name}.act", Activation(function))

    def block(self, name: str, block: Block) -> str:
        """A bottleneck; its gate and then its swish stand behind the depthwise convolution."""
        entry, strides = self.last, (block.stride, block.stride)
        self.add(f"{name}.expansion", Convolution(block.inner))
        self.normalized(f"{name}.expansion", ActivationFunction.RELU)
        kernel = Convolution(block.inner, (3, 3, 3), strides, depthwise=True, padding=_AROUND)
        self.add(f"{name}.feature", kernel)
        feature = self.normalized(f"{name}.feature")
        if block.squeeze is not None:
            with self.tagged(SQUEEZE_EXCITE):
                self.add(f"{name}.se.space", SpatialMean())
                self.add(f"{name}.se.pool", TemporalMean())
                self.add(f"{name}.se.reduce", Convolution(block.squeeze, bias=True))
                self.add(f"{name}.se.act", Activation(ActivationFunction.RELU))
                self.add(f"{name}.se.expand", Convolution(block.inner, bias=True))
                gate = self.add(f"{name}.se.gate", Activation(ActivationFunction.SIGMOID))
                self.add(f"{name}.se.multiply", Multiply(), feature, gate)
        self.add(f"{name}.act", Activation(ActivationFunction.SWISH))
        self.add(f"{name}.projection", Convolution(block.filters))
        residual = self.normalized(f"{name}.projection")
        if block.projects:
            with self.tagged(SKIP):
                skip = Convolution(block.filters, stride=strides, padding=UNPADDED)
                entry = self.add(f"{name}.skip", skip, entry)
                if block.normalises_shortcut:
                    entry = self.normalized(f"{name}.skip")
        self.add(f"{name}.add", Add(), residual, entry)
        return self.add(f"{name}.out", Activation(ActivationFunction.RELU))
