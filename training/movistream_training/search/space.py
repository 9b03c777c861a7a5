"""A search space as data: what a network may be made of, and the TOML file that says so.

A member of a space is a table of blocks (:class:`.networks.movinet.Architecture`), which
:mod:`.members` draws and changes. docs/search.md describes the file.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec

from movistream.system.text import has_control_characters, printable
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.ir.network import NetworkError
from movistream_converters.networks.movinet import (
    CUSTOM,
    Architecture,
    LayerSpec,
    SqueezeExciteType,
    Stage,
    build_movinet,
    default_options,
    make_divisible,
)
from movistream_training.errors import SearchError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST_BYTES = 1 << 20
_MOST_CHOICES = 512
_RANGE = {"least", "most", "step"}
_ROUNDED_DIGITS = 9

_Several: TypeAlias = msgspec.Meta(min_length=1, max_length=_MOST_CHOICES)  # type: ignore[valid-type]

Filters: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=4096)]
FilterChoices: TypeAlias = Annotated[tuple[Filters, ...], _Several]
Kernel: TypeAlias = tuple[
    Annotated[int, msgspec.Meta(ge=1, le=16)], Annotated[int, msgspec.Meta(ge=1, le=15)]
]
"""Frames, and pixels per side."""


class StageSpace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a stage may be; each field holds the choices.

    Attributes:
        layers: numbers of blocks.
        filters: channels that it gives.
        strides: of its first block.
        kernels: of a block.
        expansions: channels inside a block, as a share of the stage's filters; the result is
            rounded as :func:`.networks.movinet.make_divisible` does.
        squeeze_excite: whether a block has a gate.
    """

    layers: Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, le=32)], ...], _Several]
    filters: FilterChoices
    strides: Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, le=4)], ...], _Several]
    kernels: Annotated[tuple[Kernel, ...], _Several]
    expansions: Annotated[tuple[Annotated[float, msgspec.Meta(ge=0.25, le=16)], ...], _Several]
    squeeze_excite: Annotated[tuple[bool, ...], _Several] = (True,)

    def __post_init__(self) -> None:
        _check_distinct(self)

    def expand_filters(self, filters: int) -> tuple[int, ...]:
        """Channels inside a block, by expansion."""
        return tuple(make_divisible(filters * share) for share in self.expansions)


class Space(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a network may be; each field but the name holds the choices.

    Attributes:
        name: for people.
        image_size: pixels per side.
        frames_per_second: that the network sees.
        clip_frames: of a clip that it is trained on.
        stem_filters: channels of the first convolution.
        head_filters: channels before the means over space and time.
        hidden_filters: channels of the classifier's hidden layer.
        activation: of all blocks.
        head_activation: of the classifier.
        se_type: what gates look at, where there are any.
        positional_encoding: whether gates know the frame's index.
        stages: in order.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    image_size: Annotated[tuple[Annotated[int, msgspec.Meta(ge=16, le=1024)], ...], _Several]
    frames_per_second: Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, le=240)], ...], _Several]
    clip_frames: Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, le=1000)], ...], _Several]
    stem_filters: FilterChoices
    head_filters: FilterChoices
    hidden_filters: FilterChoices
    activation: Annotated[tuple[ActivationFunction, ...], _Several]
    head_activation: Annotated[tuple[ActivationFunction, ...], _Several]
    se_type: Annotated[tuple[SqueezeExciteType, ...], _Several] = (SqueezeExciteType.BOTH,)
    positional_encoding: Annotated[tuple[bool, ...], _Several] = (False,)
    stages: Annotated[tuple[StageSpace, ...], msgspec.Meta(min_length=1, max_length=12)]

    def __post_init__(self) -> None:
        if has_control_characters(self.name):
            raise ValueError("its name has control characters")
        _check_distinct(self)


def _check_distinct(struct: msgspec.Struct) -> None:
    for name in struct.__struct_fields__:
        choices = getattr(struct, name)
        if name not in ("name", "stages") and len(set(choices)) < len(choices):
            raise ValueError(f"{name} names a choice twice")


def read_space(path: Path) -> Space:
    """Reads a TOML file.

    Raises:
        SearchError: if it cannot be read, is no space, or has members that are no networks.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SearchError(f"cannot read {path}: {error.strerror}") from None
    return space_of(data, str(path))


def built_in_space(name: str) -> Space:
    """One that comes with the package: ``n0`` or ``movinet``."""
    file = files("movistream_training.search") / "spaces" / f"{name}.toml"
    return space_of(file.read_bytes(), file.name)


def space_of(data: bytes, name: str) -> Space:
    """As :func:`read_space`, from a file's bytes.

    Args:
        name: of the file, for messages.
    """
    if len(data) > _MOST_BYTES:
        raise SearchError(f"{name} is larger than any search space")
    try:
        document = tomllib.loads(data.decode())
        space = msgspec.convert(_with_ranges(document), Space)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SearchError(f"{name} is no TOML: {printable(str(error))}") from None
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        raise SearchError(f"{name} is no search space: {printable(str(error))}") from None
    for bound, table in zip(("smallest", "largest"), _bounds(space), strict=True):
        try:
            build_movinet(default_options(CUSTOM, table=table))
        except NetworkError as error:
            raise SearchError(
                f"{name} is no search space: its {bound} member would be no network:"
                f" {printable(str(error))}"
            ) from None
    return space


def space_text(space: Space) -> str:
    """A file that :func:`read_space` reads as the same space."""
    lines = [_line(space, name) for name in space.__struct_fields__ if name != "stages"]
    for stage in space.stages:
        lines += ["", "[[stages]]", *(_line(stage, name) for name in stage.__struct_fields__)]
    return "\n".join(lines) + "\n"


def _line(struct: msgspec.Struct, name: str) -> str:
    """As JSON, of which TOML's texts, numbers, truths and lists of them are."""
    return f"{name} = {msgspec.json.encode(getattr(struct, name)).decode()}"


def _with_ranges(value: Any) -> Any:
    """The document, with the numbers of each range in its place."""
    if isinstance(value, list):
        return [_with_ranges(each) for each in value]
    if not isinstance(value, dict):
        return value
    if not _RANGE & set(value):
        return {key: _with_ranges(each) for key, each in value.items()}
    if set(value) != _RANGE:
        raise ValueError("a range has least, most and step, and nothing else")
    least, most, step = (value[key] for key in ("least", "most", "step"))
    numbers = all(type(each) in (int, float) for each in (least, most, step))
    if not numbers or not (step > 0 and least <= most):
        raise ValueError("a range goes from a number by steps above 0 to one that is not below it")
    if not (most - least) / step < _MOST_CHOICES:
        raise ValueError(f"a range has more than {_MOST_CHOICES} numbers")
    count = int((most - least) / step + 1e-6) + 1
    return [
        value if type(value) is int else round(value, _ROUNDED_DIGITS)
        for value in (least + index * step for index in range(count))
    ]


def _bounds(space: Space) -> tuple[Architecture, Architecture]:
    """Tables that are not larger, and not smaller, in anything than any member."""
    return _extreme(space, largest=False), _extreme(space, largest=True)


def _extreme(space: Space, *, largest: bool) -> Architecture:
    pick, other = (max, min) if largest else (min, max)
    stages = []
    for stage in space.stages:
        filters = pick(stage.filters)
        layer = LayerSpec(
            kernel_frames=pick(frames for frames, _ in stage.kernels),
            kernel_size=pick(size for _, size in stage.kernels),
            expand_filters=pick(stage.expand_filters(filters)),
            squeeze_excite=pick(stage.squeeze_excite),
        )
        stages.append(Stage(filters, other(stage.strides), (layer,) * pick(stage.layers)))
    return Architecture(
        stem_filters=pick(space.stem_filters),
        stages=tuple(stages),
        head_filters=pick(space.head_filters),
        hidden_filters=pick(space.hidden_filters),
        image_size=pick(space.image_size),
        frames_per_second=pick(space.frames_per_second),
        clip_frames=pick(space.clip_frames),
        stream_positional_encoding=pick(space.positional_encoding),
        stream_activation=space.activation[0],
        stream_head_activation=space.head_activation[0],
        stream_se_type=SqueezeExciteType.BOTH if largest else SqueezeExciteType.NONE,
    )
