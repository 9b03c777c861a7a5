"""What a value of a program is: a constant, or frames that a node of our network gives.

A tensor of frames is described by what each of its axes holds, and by how its time lies to the
clip's. Operators that only move axes change the description alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from movistream_converters.formats.exported_program.program import Node
from movistream_converters.ir.layers import Shape

Axis: TypeAlias = Literal["T", "C", "H", "W", "C0", "C1", "C2"]
"""Time, channels, rows, columns; C0, C1 and C2 are channels that were split into groups."""

GROUPS: tuple[Axis, ...] = ("C0", "C1", "C2")

Dimension: TypeAlias = tuple[Axis, ...]
"""The axes in one dimension of a tensor, outermost first. One of size 1 is in none, but time."""

Pads: TypeAlias = tuple[int, int, int, int]
"""(top, bottom, left, right) in pixels."""

NO_PADS: Pads = (0, 0, 0, 0)


class LayoutError(ValueError):
    """Why axes cannot be moved so."""


@dataclass(frozen=True)
class Ahead:
    """What first saw frames to come, and how many."""

    node: Node
    frames: int


@dataclass(frozen=True)
class Frames:
    """A tensor of frames.

    Entry i along time is the node's value at frame i − lead of the clip, or zero if that is a frame
    before it begins.

    Attributes:
        node: of our network.
        shape: (height, width, channels) of what it gives.
        dimensions: what each of the tensor's holds.
        length: entries along time.
        lead: that many entries come before the first frame, if positive; if negative, the node is
            so many frames late, or so many are cut off.
        begins: the first frame of the clip of which the node's value counts.
        unknown: so many entries at the beginning are not the node's values.
        pads: zeros around the frames, which the next kernel takes in.
        is_last: it is the value after the last frame, and has no axis of time; if lead is negative,
            the value so many frames later.
        to_divide: it is the sum over all frames so far of the node's value, and no mean yet.
        ahead: so many entries at the end see what is behind the clip: zeros, where a stream has
            frames to come.
        looked_ahead: what first did, if any does.
        split: into how many groups of how many channels, if those are in dimensions of their own.
    """

    node: str
    shape: Shape
    dimensions: tuple[Dimension, ...]
    length: int
    lead: int = 0
    begins: int = 0
    unknown: int = 0
    pads: Pads = NO_PADS
    is_last: bool = False
    to_divide: bool = False
    ahead: int = 0
    looked_ahead: Ahead | None = None
    split: tuple[int, ...] = ()

    @property
    def zeros(self) -> int:
        """How many entries at the beginning are zero, whatever the node gives there."""
        return max(self.lead + self.begins, 0)

    @property
    def last_frame(self) -> int:
        """The frame of the last entry."""
        return self.length - 1 - self.lead

    @property
    def is_vector(self) -> bool:
        """Whether a frame is one pixel."""
        return self.shape[:2] == (1, 1)

    def size(self, axis: Axis) -> int:
        """How many entries an axis has."""
        top, bottom, left, right = self.pads
        height, width, channels = self.shape
        sizes: dict[Axis, int] = {
            "T": self.length,
            "C": channels,
            "H": height + top + bottom,
            "W": width + left + right,
        }
        sizes |= dict(zip(GROUPS, self.split, strict=False))
        return sizes[axis]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of the tensor."""
        return tuple(math.prod(map(self.size, axes)) for axes in self.dimensions)

    def has(self, axis: Axis) -> bool:
        """Whether an axis has more than one entry, or is time."""
        return any(axis in axes for axes in self.dimensions)

    def given_by(self, node: str, shape: Shape) -> Frames:
        """What another node gives for the same axes, some of which may have got 1 entry."""
        gone = {axis for axis, size in zip(("H", "W", "C"), shape, strict=True) if size == 1}
        dimensions = tuple(
            tuple(axis for axis in axes if axis not in gone) for axes in self.dimensions
        )
        return replace(self, node=node, shape=shape, dimensions=dimensions)


def furthest(value: Frames, values: list[Frames]) -> Frames:
    """A value that sees as far ahead as any of those that it comes from."""
    most = max(values, key=lambda each: each.ahead)
    return replace(value, ahead=most.ahead, looked_ahead=most.looked_ahead)


def reshaped(value: Frames, sizes: list[int]) -> Frames:
    """The same entries in their order, in dimensions of other sizes; -1 for what is left.

    Raises:
        LayoutError: if an axis would be split.
    """
    total = math.prod(value.sizes)
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known and total % known == 0:
        sizes = [total // known if size == -1 else size for size in sizes]
    if any(size < 0 for size in sizes) or math.prod(sizes) != total:
        raise LayoutError(f"makes {sizes} of {list(value.sizes)}")
    axes = [axis for dimension in value.dimensions for axis in dimension]
    dimensions: list[Dimension] = []
    for size in sizes:
        taken: list[Axis] = []
        reached = 1
        splits = axes[:1] == ["C"] or axes[:1] == list(GROUPS[len(value.split) - 1 : 2])[:1]
        if splits and 1 < size < (count := value.size(axes[0])) and count % size == 0:
            groups = (*value.split[:-1], size, count // size)
            axes[:1] = GROUPS[len(groups) - 2 : len(groups)]
            value = replace(value, split=groups)
        while axes and reached * (entries := value.size(axes[0])) <= size:
            if reached == size and (taken or entries != 1):
                break
            reached *= entries
            taken.append(axes.pop(0))
        if reached != size:
            what: dict[Axis, str] = {"T": "frames", "H": "rows", "W": "columns"}
            split = what.get(axes[0], "channels") if axes else "frames"
            raise LayoutError(f"splits the {split} of {list(value.sizes)} into {sizes}")
        dimensions.append(tuple(taken))
    if axes and dimensions:  # Time of one entry.
        dimensions[-1] = (*dimensions[-1], *axes)
    return replace(value, dimensions=tuple(dimensions))


def with_joined_channels(value: Frames) -> tuple[Frames, tuple[int, ...]]:
    """The description with groups of channels as channels, where they are in one dimension; and the
    order in which they are there."""
    count = len(value.split)
    for place, axes in enumerate(value.dimensions):
        groups = [axis for axis in axes if axis in GROUPS]
        at = axes.index(groups[0]) if groups else 0
        if count and len(groups) == count and list(axes[at : at + count]) == groups:
            joined: Dimension = (*axes[:at], "C", *axes[at + count :])
            dimensions = (*value.dimensions[:place], joined, *value.dimensions[place + 1 :])
            order = tuple(GROUPS.index(axis) for axis in groups)
            return replace(value, dimensions=dimensions, split=()), order
    return value, ()


def without(value: Frames, axes: set[Axis], *, kept: bool) -> Frames:
    """The description with some axes gone; their dimensions stay, with 1 entry, or go too."""
    dimensions = []
    for dimension in value.dimensions:
        left = tuple(axis for axis in dimension if axis not in axes)
        if left or kept or not dimension:
            dimensions.append(left)
    return replace(value, dimensions=tuple(dimensions))


def aligned(first: Frames, second: Frames) -> tuple[Dimension, ...]:
    """The dimensions of what two tensors give number by number.

    Raises:
        LayoutError: if they hold different axes side by side.
    """
    rank = max(len(first.dimensions), len(second.dimensions))
    padded = [((),) * (rank - len(v.dimensions)) + v.dimensions for v in (first, second)]
    dimensions = []
    for one, other in zip(*padded, strict=True):
        if one and other and one != other:
            raise LayoutError(
                f"puts different axes side by side: {list(first.sizes)} and {list(second.sizes)}"
            )
        dimensions.append(one or other)
    placed = [axis for dimension in dimensions for axis in dimension]
    if len(placed) != len(set(placed)):
        raise LayoutError(
            f"puts one axis beside another: {list(first.sizes)} and {list(second.sizes)}"
        )
    return tuple(dimensions)
