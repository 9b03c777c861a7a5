"""TSM's online MobileNetV2, described on the layers of :mod:`.ir.layers`.

Temporal shift: the first channels of a block's residual branch come from the frame before.

Source: arXiv 1811.08383; blocks, shifts and the input's range as in the reference implementation's
``online_demo/mobilenet_v2_tsm.py`` and ``main.py`` (mit-han-lab/temporal-shift-module, MIT).
"""

from __future__ import annotations

from dataclasses import dataclass

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    BatchNormalization,
    Concatenate,
    Convolution,
    Delay,
    Dense,
    Image,
    Padding,
    Slice,
    SpatialMean,
)
from movistream_converters.ir.network import Network, NetworkError
from movistream_converters.ir.tags import stage

IMAGE = Image(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
IMAGE_SIZE = 224

STAGES = ((1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1))
"""(blocks, stride of the first one) of each stage, the same in every member of the family. The
blocks behind the first shift."""

BLOCKS = sum(blocks for blocks, _ in STAGES)

_SHIFTED = 8
"""One channel in so many comes from the frame before."""

_NORM_EPSILON = 1e-5
_AROUND: Padding = (1, 1, 1, 1)


@dataclass(frozen=True)
class Block:
    """An inverted residual block.

    Attributes:
        expanded: channels of the depthwise convolution.
        filters: channels that it gives.
        expands: whether a convolution makes those channels; if not, they are the input's.
    """

    expanded: int
    filters: int
    expands: bool = True


@dataclass(frozen=True)
class Table:
    """The widths of a network.

    Attributes:
        stem: channels of the first convolution.
        blocks: :data:`BLOCKS` of them.
        head: channels of the last convolution.
        num_classes: of the logits.
    """

    stem: int
    blocks: tuple[Block, ...]
    head: int
    num_classes: int


def build_tsm(name: str, table: Table, image_size: int = IMAGE_SIZE) -> Network:
    """The network of a table; it is causal.

    Raises:
        NetworkError: if the image is too small, or a block that shifts changes the channels.
    """
    builder = _Builder(name, (image_size, image_size), IMAGE)
    with builder.tagged(stage("stem")):
        builder.convolution("stem", Convolution(table.stem, (1, 3, 3), (2, 2), padding=_AROUND))
    channels, number = table.stem, 0
    for blocks, first_stride in STAGES:
        for index in range(blocks):
            block = table.blocks[number]
            number += 1
            with builder.tagged(stage(f"block{number}")):
                stride = 1 if index else first_stride
                builder.block(f"block{number}", block, channels, stride, shifts=index > 0)
            channels = block.filters
    with builder.tagged(stage("head")):
        builder.convolution("head", Convolution(table.head))
        builder.add("head.space", SpatialMean())
    with builder.tagged(stage("classifier")):
        builder.add("classifier", Dense(table.num_classes))
    return builder.build()


class _Builder(NetworkBuilder):
    """What the network is built of."""

    def convolution(self, name: str, layer: Convolution, *, linear: bool = False) -> str:
        """A convolution with its batch norm, and ReLU6 behind it if it is not linear."""
        self.add(name, layer)
        last = self.add(f"{name}.bn", BatchNormalization(_NORM_EPSILON))
        return last if linear else self.add(f"{name}.act", Activation(ActivationFunction.RELU6))

    def block(self, name: str, block: Block, channels: int, stride: int, *, shifts: bool) -> None:
        """A block; where there is a shortcut, it has the input as it was before the shift."""
        entry = self.last
        has_shortcut = stride == 1 and channels == block.filters
        if shifts and not has_shortcut:
            raise NetworkError(f"{name} would shift, and has no shortcut")
        if shifts:
            folded = channels // _SHIFTED
            self.add(f"{name}.shift.first", Slice(0, folded))
            before = self.add(f"{name}.shift", Delay(1))
            rest = self.add(f"{name}.shift.rest", Slice(folded, channels), entry)
            self.add(f"{name}.shifted", Concatenate(), before, rest)
        if block.expands:
            self.convolution(f"{name}.expansion", Convolution(block.expanded))
        kernel = (1, 3, 3)
        depthwise = Convolution(
            block.expanded, kernel, (stride, stride), depthwise=True, padding=_AROUND
        )
        self.convolution(f"{name}.feature", depthwise)
        residual = self.convolution(f"{name}.projection", Convolution(block.filters), linear=True)
        if has_shortcut:
            self.add(f"{name}.add", Add(), residual, entry)
