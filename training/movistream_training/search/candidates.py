"""Members that a budget allows: drawn, walked to, or made of a known network by scaling it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from movistream_converters.formats.movinet_table import table_text
from movistream_converters.networks.movinet import (
    Architecture,
    LayerSpec,
    Stage,
    make_divisible,
)
from movistream_training.search.estimates import Estimates, share_or
from movistream_training.search.members import mutate, sample
from movistream_training.search.space import Space

LEAST_SHARE = 0.75
"""Of the budget that a candidate takes: what is much smaller has little to say for itself."""

_MOST_STEPS = 300
"""Of a walk from a member to one that the budget allows."""

_MOST_MUTATIONS = 4
_WIDTHS = tuple(share / 16 for share in range(15, 3, -1))
_SMALLEST_IMAGE = 32


def digest(member: Architecture) -> str:
    """A short name that only this table has."""
    return hashlib.sha256(table_text(member).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Draw:
    """A way to a candidate.

    Attributes:
        start: the member to change; None: a random one.
        seed: of all that is random.
    """

    start: Architecture | None
    seed: tuple[int, ...]


def candidate(space: Space, estimates: Estimates, draw: Draw) -> Architecture | None:
    """A member that takes from three quarters to all of the budget; None if the walk ends before.

    From its start it goes by changes of one choice, each of which brings it nearer. One that
    starts from a member is changed a few times first, so that it is another one.
    """
    generator = np.random.default_rng(draw.seed)
    if draw.start is None:
        member = sample(space, generator)
    else:
        member = draw.start
        for _ in range(int(generator.integers(1, _MOST_MUTATIONS + 1))):
            member = mutate(space, member, generator)
    distance = _distance(estimates, member)
    for _ in range(_MOST_STEPS):
        if distance == 0:
            return None if member == draw.start else member
        changed = mutate(space, member, generator)
        if (nearer := _distance(estimates, changed)) < distance:
            member, distance = changed, nearer
    return None


def _distance(estimates: Estimates, member: Architecture) -> float:
    """How far a member is from what the budget allows."""
    share = share_or(estimates, member, math.inf)
    return max(0.0, share - 1.0, LEAST_SHARE - share)


def scaled(base: Architecture, estimates: Estimates) -> Iterator[tuple[str, Architecture]]:
    """The largest narrower form of a network that the budget allows, and the largest with smaller
    images: what one would do without a search. Each with a name.
    """
    narrower = (
        (f"{base_share:g} of its width", _narrower(base, base_share)) for base_share in _WIDTHS
    )
    smaller = (
        (f"{size} pixels", replace(base, image_size=size))
        for size in range(base.image_size - 8, _SMALLEST_IMAGE - 1, -8)
    )
    for forms in (narrower, smaller):
        for name, member in forms:
            if share_or(estimates, member, math.inf) <= 1:
                yield name, member
                break


def _narrower(base: Architecture, share: float) -> Architecture:
    def channels(count: int) -> int:
        return make_divisible(count * share)

    def layer(spec: LayerSpec) -> LayerSpec:
        return replace(spec, expand_filters=channels(spec.expand_filters))

    def stage(given: Stage) -> Stage:
        layers = tuple(map(layer, given.layers))
        return replace(given, filters=channels(given.filters), layers=layers)

    return replace(
        base,
        stem_filters=channels(base.stem_filters),
        stages=tuple(map(stage, base.stages)),
        head_filters=channels(base.head_filters),
        hidden_filters=channels(base.hidden_filters),
    )
