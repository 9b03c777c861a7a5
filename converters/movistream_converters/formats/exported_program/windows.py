"""Windows of kernels and pools: how they lie along a tensor's axes, and what they do to time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from movistream_converters.formats.exported_program.call import Call
from movistream_converters.formats.exported_program.values import (
    NO_PADS,
    Axis,
    Dimension,
    Frames,
    Pads,
)

AXES: tuple[Axis, ...] = ("T", "H", "W")
"""Over which a window may go."""


@dataclass(frozen=True)
class Window:
    """How a kernel lies along one axis.

    Attributes:
        place: of the axis among those of the kernel; None if it is not among them.
    """

    taps: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    behind: int = 0
    place: int | None = None

    @property
    def reach(self) -> int:
        """From the first tap to the last."""
        return (self.taps - 1) * self.dilation


def frames_of(call: Call, name: str) -> Frames:
    """Frames that a kernel reads, which may be padded."""
    value: Any = call.get(name)
    if not isinstance(value, Frames):
        call.refuse("works on a constant where frames should be")
    return replace(call.plain(replace(value, pads=NO_PADS)), pads=value.pads)


def check_channels(call: Call, value: Frames, place: int) -> None:
    """Channels have to be in one dimension, alone."""
    if len(value.dimensions) <= place:
        call.refuse(f"reads a tensor of {len(value.dimensions)} dimensions")
    found = value.dimensions[place]
    elsewhere = any("C" in axes for at, axes in enumerate(value.dimensions) if at != place)
    if found not in (("C",), ()) or elsewhere:
        call.refuse(
            f"takes dimension {place} of {list(value.sizes)} for channels, and it holds something"
            " else"
        )


def windows_of(call: Call, value: Frames, windows: list[Window]) -> dict[Axis, Window]:
    """Of each axis, for a kernel over the last dimensions."""
    axes: list[Axis | None] = []
    for dimension in value.dimensions[len(value.dimensions) - len(windows) :]:
        if len(dimension) > 1 or dimension == ("C",):
            call.refuse(f"goes over several axes of {list(value.sizes)} as if they were one")
        axes.append(dimension[0] if dimension else None)
    missing: list[Axis] = [axis for axis in AXES[1:] if not value.has(axis)]
    # Of two dimensions without an axis, the inner one is the width.
    found: dict[Axis, Window] = {}
    for place in reversed(range(len(axes))):
        axis, window = axes[place], replace(windows[place], place=place)
        if axis is None:
            if not missing:
                if window.reach or window.before or window.behind:
                    call.refuse("has a window along an axis that frames have not")
                continue
            axis = missing.pop()
        found[axis] = window
    return found


def padding_of(
    call: Call, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> list[tuple[int, int]]:
    """(before, behind) of each dimension of a kernel."""
    given = call.get("padding", 0)
    if given == "valid":
        return [(0, 0)] * len(kernel)
    if given == "same":
        totals = [(taps - 1) * gap for taps, gap in zip(kernel, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(each, each) for each in call.integers("padding", len(kernel), 0)]


def added(pads: Pads, height: Window, width: Window) -> Pads:
    """Padding that was waiting for a window, and the window's own."""
    return (
        pads[0] + height.before,
        pads[1] + height.behind,
        pads[2] + width.before,
        pads[3] + width.behind,
    )


def in_time(call: Call, value: Frames, window: Window, *, keeps_zero: bool) -> Frames:
    """What a kernel over time reads, with the time that its result has. The kernel keeps what
    begins as that does.

    Args:
        keeps_zero: whether the result is zero where the kernel sees zeros alone.
    """
    if value.is_last:
        if window.reach or window.before or window.behind:
            call.refuse("goes over time, and reads what is known after the last frame alone")
        return value
    if window.stride != 1:
        call.refuse(
            f"takes every {window.stride}. frame alone: a stream answers every frame; use a stride"
            " of 1 in time"
        )
    if value.unknown and (window.reach or not keeps_zero):
        call.refuse(
            "sees frames from before the clip, which are not zeros there: pad right before each"
            " kernel over time, and multiply what was rolled by a mask first"
        )
    if window.before:
        value = replace(value, begins=max(value.begins, -value.lead))
    length = value.length + window.before + window.behind - window.reach
    if length < 1:
        call.refuse(f"sees {window.reach + 1} frames, and there are {value.length}")
    lead = value.lead + window.before - window.reach
    if lead + value.begins > 0 and (window.reach or not keeps_zero):
        value = call.blanked(value)  # The present frame is one from before it begins.
    if lead > 0:
        late = call.settled(replace(value, lead=lead, length=length))
        value = replace(value, node=late.node)
        unknown = value.unknown if keeps_zero else max(late.lead, 0)
        value = replace(late, unknown=unknown)
    else:
        value = replace(value, lead=lead, length=length)
    return call.looking_ahead(value, window.behind)


def placed(
    call: Call,
    value: Frames,
    node: str,
    fixed: Mapping[int, Axis],
    windows: Mapping[Axis, Window],
    count: int,
) -> Frames:
    """What a kernel gives: axes in their places, those of one entry in none."""
    shape = call.run.writing.shapes[node]
    sizes = dict(zip(("H", "W", "C"), shape, strict=True))
    dimensions: list[Dimension] = list(value.dimensions)
    first = len(dimensions) - count
    places: dict[int, Axis] = dict(fixed)
    places |= {first + w.place: axis for axis, w in windows.items() if w.place is not None}
    for place, axis in places.items():
        dimensions[place] = () if sizes.get(axis, 2) == 1 else (axis,)
    return replace(value, node=node, shape=shape, dimensions=tuple(dimensions))
