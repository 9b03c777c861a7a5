"""Members of a space: drawn, changed, held against it, and made networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.formats.source import Source
from movistream_converters.networks.movinet import (
    CUSTOM,
    Architecture,
    LayerSpec,
    Stage,
    default_options,
)
from movistream_training.errors import SearchError
from movistream_training.search.space import Space, StageSpace

T = TypeVar("T")

_SETTINGS = {
    "image_size": "image_size",
    "frames_per_second": "frames_per_second",
    "clip_frames": "clip_frames",
    "stem_filters": "stem_filters",
    "head_filters": "head_filters",
    "hidden_filters": "hidden_filters",
    "stream_activation": "activation",
    "stream_head_activation": "head_activation",
    "stream_se_type": "se_type",
    "stream_positional_encoding": "positional_encoding",
}
"""Fields of a table, and those of a space that hold their choices."""


@dataclass(frozen=True)
class Task:
    """What every member is to do, which is no choice of the space.

    Attributes:
        classes: that it tells apart.
        horizon_frames: after so many frames, its running means forget; None: never.
    """

    classes: int
    horizon_frames: int | None = None


def sample(space: Space, generator: np.random.Generator) -> Architecture:
    """A member, every choice of which is as likely as its alternatives."""
    settings: dict[str, Any] = {
        field: _any(getattr(space, choices), generator) for field, choices in _SETTINGS.items()
    }
    return Architecture(
        stages=tuple(_random_stage(stage, generator) for stage in space.stages), **settings
    )


def mutate(space: Space, member: Architecture, generator: np.random.Generator) -> Architecture:
    """Another member, which differs in one choice.

    A stage that gets deeper gets random blocks at its end. One that gets wider keeps the expansion
    of its blocks as a share.

    Raises:
        SearchError: if the table is no member, or the only one.
    """
    if (reason := misfit(space, member)) is not None:
        raise SearchError(f"the table to change is not in the space {space.name}: {reason}")
    changes = list(_changes(space, member, generator))
    for index in generator.permutation(len(changes)):
        changed = changes[int(index)]()
        if changed is not None and changed != member:
            return changed
    raise SearchError(f"the space {space.name} has a single member")


def misfit(space: Space, member: Architecture) -> str | None:
    """What keeps a table out of a space, in words; None if it is a member."""
    for field, name in _SETTINGS.items():
        if (value := getattr(member, field)) not in getattr(space, name):
            return f"{field} {_text(value)} is no choice"
    if len(member.stages) != len(space.stages):
        return f"{len(member.stages)} stages, where there are {len(space.stages)}"
    for number, (stage, choices) in enumerate(zip(member.stages, space.stages, strict=True), 1):
        if (reason := _stage_misfit(choices, stage)) is not None:
            return f"stage {number}: {reason}"
    return None


def source_of(member: Architecture, task: Task) -> Source:
    """The network of a member, untrained."""
    options = replace(
        default_options(CUSTOM, table=member),
        num_classes=task.classes,
        horizon_frames=task.horizon_frames,
    )
    return movinet_source(options, {})


def _stage_misfit(choices: StageSpace, stage: Stage) -> str | None:
    if stage.filters not in choices.filters:
        return f"filters {stage.filters} is no choice"
    if stage.stride not in choices.strides:
        return f"stride {stage.stride} is no choice"
    if len(stage.layers) not in choices.layers:
        return f"{len(stage.layers)} layers are no choice"
    expanded = choices.expand_filters(stage.filters)
    for number, layer in enumerate(stage.layers, 1):
        kernel = layer.kernel_frames, layer.kernel_size
        if kernel not in choices.kernels:
            return (
                f"layer {number}: a kernel of {kernel[0]} frames, {kernel[1]} pixels is no choice"
            )
        if layer.expand_filters not in expanded:
            return f"layer {number}: expand_filters {layer.expand_filters} is no choice"
        if layer.squeeze_excite not in choices.squeeze_excite:
            return f"layer {number}: squeeze_excite {_text(layer.squeeze_excite)} is no choice"
    return None


def _changes(
    space: Space, member: Architecture, generator: np.random.Generator
) -> Iterator[Callable[[], Architecture | None]]:
    """One for each choice of a member: takes another, and gives None where there is none."""
    for field, name in _SETTINGS.items():

        def with_setting(field: str = field, name: str = name) -> Architecture | None:
            value = _other(getattr(space, name), getattr(member, field), generator)
            return None if value is None else replace(member, **{field: value})

        yield with_setting
    for number, (stage, choices) in enumerate(zip(member.stages, space.stages, strict=True)):
        for change in _stage_changes(choices, stage, generator):

            def with_stage(
                number: int = number, change: Callable[[], Stage | None] = change
            ) -> Architecture | None:
                changed = change()
                if changed is None:
                    return None
                return replace(member, stages=_with(member.stages, number, changed))

            yield with_stage


def _stage_changes(
    choices: StageSpace, stage: Stage, generator: np.random.Generator
) -> Iterator[Callable[[], Stage | None]]:
    def other_depth() -> Stage | None:
        depth = _other(choices.layers, len(stage.layers), generator)
        if depth is None:
            return None
        more = range(depth - len(stage.layers))
        added = tuple(_random_layer(choices, stage.filters, generator) for _ in more)
        return replace(stage, layers=(*stage.layers[:depth], *added))

    def other_filters() -> Stage | None:
        filters = _other(choices.filters, stage.filters, generator)
        return None if filters is None else _widened(choices, stage, filters)

    def other_stride() -> Stage | None:
        stride = _other(choices.strides, stage.stride, generator)
        return None if stride is None else replace(stage, stride=stride)

    yield from (other_depth, other_filters, other_stride)
    expanded = choices.expand_filters(stage.filters)
    for number, layer in enumerate(stage.layers):
        kernel = layer.kernel_frames, layer.kernel_size

        def other_kernel(
            number: int = number, layer: LayerSpec = layer, kernel: tuple[int, int] = kernel
        ) -> Stage | None:
            other = _other(choices.kernels, kernel, generator)
            if other is None:
                return None
            changed = replace(layer, kernel_frames=other[0], kernel_size=other[1])
            return replace(stage, layers=_with(stage.layers, number, changed))

        def other_expansion(number: int = number, layer: LayerSpec = layer) -> Stage | None:
            other = _other(expanded, layer.expand_filters, generator)
            if other is None:
                return None
            changed = replace(layer, expand_filters=other)
            return replace(stage, layers=_with(stage.layers, number, changed))

        def other_gate(number: int = number, layer: LayerSpec = layer) -> Stage | None:
            other = _other(choices.squeeze_excite, layer.squeeze_excite, generator)
            if other is None:
                return None
            changed = replace(layer, squeeze_excite=other)
            return replace(stage, layers=_with(stage.layers, number, changed))

        yield from (other_kernel, other_expansion, other_gate)


def _widened(choices: StageSpace, stage: Stage, filters: int) -> Stage:
    before, after = choices.expand_filters(stage.filters), choices.expand_filters(filters)
    layers = tuple(
        replace(layer, expand_filters=after[before.index(layer.expand_filters)])
        for layer in stage.layers
    )
    return replace(stage, filters=filters, layers=layers)


def _random_stage(choices: StageSpace, generator: np.random.Generator) -> Stage:
    filters = _any(choices.filters, generator)
    return Stage(
        filters=filters,
        stride=_any(choices.strides, generator),
        layers=tuple(
            _random_layer(choices, filters, generator)
            for _ in range(_any(choices.layers, generator))
        ),
    )


def _random_layer(choices: StageSpace, filters: int, generator: np.random.Generator) -> LayerSpec:
    frames, size = _any(choices.kernels, generator)
    return LayerSpec(
        kernel_frames=frames,
        kernel_size=size,
        expand_filters=_any(choices.expand_filters(filters), generator),
        squeeze_excite=_any(choices.squeeze_excite, generator),
    )


def _any(choices: Sequence[T], generator: np.random.Generator) -> T:
    return choices[int(generator.integers(len(choices)))]


def _other(choices: Sequence[T], value: T, generator: np.random.Generator) -> T | None:
    others = [each for each in choices if each != value]
    return _any(others, generator) if others else None


def _with(items: tuple[T, ...], number: int, item: T) -> tuple[T, ...]:
    return (*items[:number], item, *items[number + 1 :])


def _text(value: object) -> str:
    return str(getattr(value, "value", value))
