"""The choices of a space by name, and the member that decisions make.

``stage2.block1.kernel`` is the kernel of the second stage's first block. A decision is the index
of an alternative; a choice without alternatives takes none.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from movistream_converters.networks.movinet import Architecture, LayerSpec, Stage
from movistream_training.search.space import Space, StageSpace

Decisions: TypeAlias = Mapping[str, int]
"""Indices of alternatives, by choice."""

_SETTINGS = (
    "image_size",
    "frames_per_second",
    "clip_frames",
    "stem_filters",
    "head_filters",
    "hidden_filters",
    "activation",
    "head_activation",
    "se_type",
    "positional_encoding",
)

_WIDTHS = ("stem_filters", "head_filters", "hidden_filters")


@dataclass(frozen=True)
class Choice:
    """One thing that a space leaves open.

    Attributes:
        name: within its space.
        alternatives: in the space's order and in words.
        can_be_widened: whether there is a form that has the weights of all alternatives.
        stage: of a block's choice, its stage, from 0; else None.
        needs_layers: how many blocks that stage must have for the choice to matter.
    """

    name: str
    alternatives: tuple[str, ...]
    can_be_widened: bool = False
    stage: int | None = None
    needs_layers: int = 0


def choices_of(space: Space) -> tuple[Choice, ...]:
    """All that have alternatives, in the order of the network."""
    return tuple(choice for choice in _all_choices(space) if len(choice.alternatives) > 1)


def _all_choices(space: Space) -> Iterator[Choice]:
    for name in _SETTINGS:
        yield Choice(name, _words(getattr(space, name)), name in _WIDTHS)
    for index, stage in enumerate(space.stages):
        place = f"stage{index + 1}"
        yield Choice(f"{place}.layers", _words(stage.layers), can_be_widened=True)
        yield Choice(f"{place}.filters", _words(stage.filters), can_be_widened=True)
        yield Choice(f"{place}.stride", _words(stage.strides))
        for block in range(1, max(stage.layers) + 1):
            for name, alternatives in (
                ("kernel", stage.kernels),
                ("expansion", stage.expansions),
                ("squeeze_excite", stage.squeeze_excite),
            ):
                yield Choice(
                    f"{place}.block{block}.{name}", _words(alternatives), True, index, block
                )


def _words(alternatives: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(_word(each) for each in alternatives)


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, Enum):
        return str(value.value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def decisions_that_matter(space: Space, decisions: Decisions) -> dict[str, int]:
    """Without those for blocks that the member does not have."""
    layers = [
        stage.layers[decisions.get(f"stage{number}.layers", 0)]
        for number, stage in enumerate(space.stages, 1)
    ]
    return {
        choice.name: decisions[choice.name]
        for choice in choices_of(space)
        if choice.stage is None or choice.needs_layers <= layers[choice.stage]
    }


def member_of(
    space: Space, decisions: Decisions, widened: Container[str] = frozenset()
) -> Architecture:
    """The table that decisions make.

    Args:
        decisions: those that do not matter, or have no alternatives, may be left out.
        widened: choices that are overruled, where they can be, so that all their weights take
            part: the largest width, the deepest stage, a gate where one may be, and the longest and
            widest kernels, which the space need not have in one. So the table may be no member.
    """

    def setting(name: str) -> Any:
        alternatives = getattr(space, name)
        if name in widened and name in _WIDTHS:
            return max(alternatives)
        return alternatives[decisions.get(name, 0)]

    return Architecture(
        stem_filters=setting("stem_filters"),
        stages=tuple(
            _stage(stage, f"stage{number}", decisions, widened)
            for number, stage in enumerate(space.stages, 1)
        ),
        head_filters=setting("head_filters"),
        hidden_filters=setting("hidden_filters"),
        image_size=setting("image_size"),
        frames_per_second=setting("frames_per_second"),
        clip_frames=setting("clip_frames"),
        stream_head_activation=setting("head_activation"),
        stream_positional_encoding=setting("positional_encoding"),
        stream_activation=setting("activation"),
        stream_se_type=setting("se_type"),
    )


def _stage(space: StageSpace, place: str, decisions: Decisions, widened: Container[str]) -> Stage:
    def decided(name: str, alternatives: tuple[int, ...]) -> int:
        name = f"{place}.{name}"
        return max(alternatives) if name in widened else alternatives[decisions.get(name, 0)]

    filters = decided("filters", space.filters)
    return Stage(
        filters=filters,
        stride=space.strides[decisions.get(f"{place}.stride", 0)],
        layers=tuple(
            _layer(space, f"{place}.block{block}", filters, decisions, widened)
            for block in range(1, decided("layers", space.layers) + 1)
        ),
    )


def _layer(
    space: StageSpace, place: str, filters: int, decisions: Decisions, widened: Container[str]
) -> LayerSpec:
    def decided(name: str) -> int:
        return decisions.get(f"{place}.{name}", 0)

    def is_widened(name: str) -> bool:
        return f"{place}.{name}" in widened

    frames, size = space.kernels[decided("kernel")]
    if is_widened("kernel"):
        frames = max(frames for frames, _ in space.kernels)
        size = max(size for _, size in space.kernels)
    expanded = space.expand_filters(filters)
    gate = space.squeeze_excite[decided("squeeze_excite")]
    return LayerSpec(
        kernel_frames=frames,
        kernel_size=size,
        expand_filters=max(expanded) if is_widened("expansion") else expanded[decided("expansion")],
        squeeze_excite=any(space.squeeze_excite) if is_widened("squeeze_excite") else gate,
    )
