"""One operator of a program, called on values: what its rules are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias

import numpy.typing as npt

from movistream_converters.errors import ConversionError
from movistream_converters.formats.exported_program.program import Node, Unknown
from movistream_converters.formats.exported_program.values import (
    NO_PADS,
    Ahead,
    Frames,
    LayoutError,
)
from movistream_converters.formats.exported_program.writing import Writing
from movistream_converters.ir.layers import AnyLayer, LayerError, Multiply

Value: TypeAlias = Any
"""Frames, a constant as an array of numpy, a number, or a list of them."""

Rule: TypeAlias = "Callable[[Call], Value]"
"""What an operator gives; a list if it gives several values."""

Window: TypeAlias = int | Literal["all"] | None

_REQUIRED = object()


@dataclass
class Run:
    """A program, as far as it is followed.

    Attributes:
        path: of the file, for errors.
        frames: of the clip.
        window: what a mean over the whole clip is taken for.
        used_window: whether there was such a mean.
        may_be_late: whether answers may come later than their frames.
    """

    path: Path
    frames: int
    writing: Writing
    window: Window = None
    used_window: bool = False
    may_be_late: bool = False


@dataclass
class Call:
    """An operator with its arguments.

    Attributes:
        arguments: by name, values in the place of names.
    """

    run: Run
    node: Node
    arguments: Mapping[str, Value] = field(default_factory=dict)

    def get(self, name: str, default: Any = _REQUIRED) -> Value:
        """An argument; the default where the program leaves it out."""
        value = self.arguments.get(name, default)
        if value is _REQUIRED:
            self.refuse(f"has no argument {name}")
        if isinstance(value, Unknown):
            self.refuse(f"has an argument {name} of the kind {value.kind}, which is not read")
        return value

    def frames(self, name: str) -> Frames:
        """An argument that has to be frames, with nothing left to be done to them."""
        return self.plain(self.get(name))

    def plain(self, value: Value) -> Frames:
        """A value that has to be frames, with nothing left to be done to them."""
        if not isinstance(value, Frames):
            self.refuse("works on a constant where frames should be")
        if value.split:
            self.refuse(
                f"reads groups of channels in a dimension of their own, {list(value.sizes)}, which"
                " is not followed but in a channel shuffle"
            )
        if value.pads != NO_PADS:
            self.refuse(
                "reads padded frames, and only convolutions and pools can: pad right before those"
            )
        if value.is_last and value.ahead:
            self.check_last(value)
        if value.to_divide:
            self.refuse(
                "reads a sum over all frames so far, which grows without end: divide it by the"
                " number of frames so far first, which makes it a mean"
            )
        return value

    def array(self, name: str) -> npt.NDArray[Any] | None:
        """An argument that has to be a constant, or nothing."""
        value = self.get(name, None)
        if isinstance(value, Frames):
            self.refuse(f"has a {name} that is computed from frames, which the vocabulary lacks")
        array: npt.NDArray[Any] | None = value
        return array

    def integers(self, name: str, count: int, default: Any = _REQUIRED) -> tuple[int, ...]:
        """An argument of so many numbers; a single one stands for all."""
        value = self.get(name, default)
        numbers = list(value) if isinstance(value, list | tuple) else [value]
        numbers = numbers * count if len(numbers) == 1 else numbers
        if len(numbers) != count or not all(isinstance(each, int) for each in numbers):
            self.refuse(f"has {value} as its {name}")
        return tuple(numbers)

    def integer(self, name: str, default: Any = _REQUIRED) -> int:
        """An argument that is a number."""
        return self.integers(name, 1, default)[0]

    def dimension(self, rank: int, name: str = "dim", default: Any = _REQUIRED) -> int:
        """An argument that names a dimension, counted from the first."""
        return self.counted(self.integer(name, default), rank)

    def counted(self, dimension: int, rank: int) -> int:
        """A dimension, counted from the first."""
        if not -rank <= dimension < rank:
            self.refuse(f"names dimension {dimension} of {rank}")
        return dimension % rank

    def refuse(self, reason: str) -> NoReturn:
        """Raises the error that names this operator and its place."""
        raise ConversionError(f"{self.run.path}: {self.node} {reason}")

    def add(
        self,
        layer: AnyLayer,
        *inputs: str,
        weights: Mapping[str, npt.NDArray[Any]] | None = None,
        part: str = "",
        begins: int = 0,
    ) -> str:
        """Writes a node, named as the module or as the operator's result, and returns its name.

        Args:
            begins: the first frame of which it keeps anything.
        """
        name = self.name + (f".{part}" if part else "")
        try:
            return self.run.writing.add(name, layer, *inputs, weights=weights, begins=begins)
        except LayerError as error:
            self.refuse(f"cannot be: {error}")

    def gives(self, value: Frames, node: str) -> Frames:
        """What a node gives in the place of frames that have the same axes."""
        return value.given_by(node, self.run.writing.shapes[node])

    def laid_out(self, move: Callable[[], Frames]) -> Frames:
        """A value whose axes are moved, or the error that says why they cannot be."""
        try:
            return move()
        except LayoutError as error:
            self.refuse(f"{error}, which is not followed")

    @property
    def name(self) -> str:
        """What its nodes are called."""
        place = self.node.place
        if place.module and place.kind.startswith("torch.nn."):
            return place.module
        return self.node.outputs[0] if self.node.outputs else self.node.operator

    @property
    def stage(self) -> str:
        """The part of the network that it belongs to; empty outside of all modules."""
        place = self.node.place
        if not place.kind.startswith("torch.nn."):
            return place.module
        return place.module.rpartition(".")[0] or place.module

    def settled(self, value: Frames) -> Frames:
        """Frames that begin with the first of the clip, if it takes no more than a delay."""
        if value.lead <= 0 or value.unknown or value.length > self.run.frames:
            return value
        return self.delayed(value, value.lead)

    def delayed(self, value: Frames, frames: int) -> Frames:
        """The same entries, given by a node that is so many frames late."""
        if not frames:
            return value
        begins = value.begins if value.zeros else 0
        node = self.run.writing.delayed(value.node, frames, begins)
        return replace(value, node=node, lead=value.lead - frames, begins=0)

    def blanked(self, value: Frames) -> Frames:
        """The same entries, zeros at the beginning being what a node gives."""
        if not value.zeros or not value.begins:
            return replace(value, begins=0)
        mask = self.run.writing.begun(value.begins)
        name = f"{value.node}.from_{value.begins}"
        return replace(
            value, node=self.run.writing.add(name, Multiply(), value.node, mask), begins=0
        )

    def known(self, value: Frames) -> Frames:
        """Frames, settled; what a function that is not 0 at 0 leaves of those before the clip."""
        value = self.blanked(self.settled(value))
        if value.lead > 0:
            return replace(value, unknown=max(value.unknown, value.lead))
        return value

    def met(self, values: list[Frames]) -> list[Frames]:
        """Frames of one time, those that are earlier being delayed."""
        last = {value.is_last for value in values}
        if len(last) > 1:
            self.refuse(
                "brings together single frames and what is known after the last one alone: each"
                " frame would depend on later ones; compute it from the frames so far"
            )
        if last == {False} and len({value.has("T") for value in values}) > 1:
            self.refuse("brings together one frame of a loop and all of the clip's")
        lengths = {value.length for value in values}
        first = min(value.lead for value in values)
        if last == {True}:
            return [self.delayed(value, value.lead - first) for value in values]
        if len({(value.lead, value.length) for value in values}) > 1:
            self.check_ahead(values)
        if len(lengths) > 1:
            self.refuse(f"brings together {' and '.join(map(str, sorted(lengths)))} frames")
        values = [self.delayed(value, value.lead - first) for value in values]
        if len({value.begins if value.zeros else 0 for value in values}) > 1:
            values = [self.blanked(value) for value in values]
        return values

    def looking_ahead(self, value: Frames, more: int) -> Frames:
        """A value of which more entries at the end see frames to come, or fewer."""
        ahead = max(value.ahead + more, 0)
        first = value.looked_ahead or Ahead(self.node, ahead)
        return replace(value, ahead=ahead, looked_ahead=first if ahead else None)

    def check_ahead(self, values: list[Frames]) -> None:
        """Refuses frames that depend on later ones, unless answers may be late."""
        for value in values:
            first = value.looked_ahead
            if first is not None and not self.run.may_be_late:
                Call(self.run, first.node).refuse(
                    f"sees {_count(first.frames)} to come, which a stream has not seen: let it see"
                    " past frames alone (pad time on the left by all of it, or cut the end off), or"
                    " take answers that come late, with --delay"
                )

    def check_last(self, value: Frames) -> None:
        """Refuses a value after the last frame if that sees what is behind the clip."""
        self.check_ahead([value])
        if value.looked_ahead is not None:
            self.refuse(
                "takes the last frame alone, which sees padding behind the clip, and a stream has"
                f" frames to come there (by {value.looked_ahead.node}): give answers to every frame"
            )

    def sees_all(self) -> NoReturn:
        """Refuses an operator that sees all frames to come."""
        self.refuse(
            f"sees {_count(self.run.frames - 1)} to come, all to the end of the clip, and a stream"
            " has no end: let it see past frames alone"
        )


def _count(frames: int) -> str:
    return "1 frame" if frames == 1 else f"{frames} frames"
