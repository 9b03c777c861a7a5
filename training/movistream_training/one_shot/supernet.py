"""The shared weights of a space, and the slices of them that a member is made of.

A member takes, of each weight of its own name, the first channels, the centre of a spatial kernel
and the latest frames of a temporal one; of the blocks of a stage, the first (once-for-all networks,
arXiv 1908.09791). The slices are executed as any network is (:mod:`.reference.execution`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from movistream_converters.ir.layers import Activation, Convolution
from movistream_converters.ir.network import Network, NetworkError, weight_shapes
from movistream_converters.ir.tags import SQUEEZE_EXCITE
from movistream_converters.ir.weights import Weights, node_and_weight
from movistream_converters.networks.movinet import Architecture, SqueezeExciteType
from movistream_training.errors import SearchError
from movistream_training.one_shot.choices import choices_of, member_of
from movistream_training.search.members import Task, source_of
from movistream_training.search.space import Space

Slices: TypeAlias = tuple[slice, ...]
"""One for each axis of a weight."""

_BOTH, _NONE = SqueezeExciteType.BOTH, SqueezeExciteType.NONE


@dataclass(frozen=True, eq=False)
class Supernet:
    """What members share.

    Attributes:
        space: whose members they are.
        task: that they do.
        table: that has every block and weight of every member, in its largest shape. It is a member
            itself where the space has one that is the largest in everything.
        shapes: of the shared weights, by canonical name.
    """

    space: Space
    task: Task
    table: Architecture
    shapes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Slim:
    """A member as a part of the shared weights.

    Attributes:
        network: of the member.
        parts: of each of its weights, by canonical name; several are joined along the inputs.
    """

    network: Network
    parts: Mapping[str, tuple[Slices, ...]]


def supernet_of(space: Space, task: Task) -> Supernet:
    """What the members of a space share.

    Raises:
        SearchError: if the largest of them is no network.
    """
    table = _largest_table(space)
    return Supernet(space, task, table, weight_shapes(network_of(table, task)))


def network_of(member: Architecture, task: Task) -> Network:
    """The network of a member.

    Raises:
        SearchError: if it is none.
    """
    try:
        return source_of(member, task).network
    except NetworkError as error:
        raise SearchError(f"a member of the space is no network: {error}") from None


@lru_cache(maxsize=1024)
def slim(supernet: Supernet, member: Architecture) -> Slim:
    """The network of a member, and its slices.

    Args:
        member: of the supernet's space, or widened (:func:`.choices.member_of`).

    Raises:
        SearchError: if it is no network.
    """
    network = network_of(member, supernet.task)
    kinds = member.stream_se_type, supernet.table.stream_se_type
    read_means = _kernels_of_means(network)
    parts = {}
    for name, shape in weight_shapes(network).items():
        largest = supernet.shapes[name]
        if name in read_means:
            parts[name] = _gate_parts(kinds, shape, largest)
        else:
            parts[name] = (_part(name, shape, largest),)
    return Slim(network, parts)


def _largest_table(space: Space) -> Architecture:
    table = member_of(space, {}, {choice.name for choice in choices_of(space)})
    stages, before = [], set(space.stem_filters)
    for stage, choices in zip(table.stages, space.stages, strict=True):
        stride = max(choices.strides)
        # A projection beside a stage's first block, where any member has one.
        if stride == 1 and stage.filters == max(before) and len(before | set(choices.filters)) > 1:
            stride = 2
        stages.append(replace(stage, stride=stride))
        before = set(choices.filters)
    gates = set(space.se_type) - {_NONE}
    return replace(
        table,
        stages=tuple(stages),
        stream_se_type=_BOTH if len(gates) > 1 else next(iter(gates), _NONE),
        stream_positional_encoding=any(space.positional_encoding),
    )


def _part(name: str, shape: tuple[int, ...], largest: tuple[int, ...]) -> Slices:
    if node_and_weight(name)[1] != "kernel":
        return tuple(slice(0, size) for size in shape)
    frames, *sides = zip(shape[:3], largest[:3], strict=True)
    return (
        slice(frames[1] - frames[0], frames[1]),
        *(_centre(own, most) for own, most in sides),
        *(slice(0, size) for size in shape[3:]),
    )


def _centre(own: int, most: int) -> slice:
    """Of taps; those of an even number are around the first of the two in the middle."""
    first = (most - 1) // 2 - (own - 1) // 2
    return slice(first, first + own)


def _kernels_of_means(network: Network) -> set[str]:
    """Kernels that gates begin with: all others of a gate are behind an activation."""
    layers = {node.name: node.layer for node in network.nodes}
    return {
        f"{node.name}.kernel"
        for node in network.nodes
        if SQUEEZE_EXCITE in node.tags
        and isinstance(node.layer, Convolution)
        and not isinstance(layers[node.inputs[0]], Activation)
    }


def _gate_parts(
    kinds: tuple[SqueezeExciteType, SqueezeExciteType],
    shape: tuple[int, ...],
    largest: tuple[int, ...],
) -> tuple[Slices, ...]:
    """Of the kernel that reads means over time and space, whose channels lie behind each other.

    Args:
        kinds: what the member's gates look at, and what the shared ones do.
    """
    own, shared = kinds
    kernel, inputs, outputs = tuple(slice(0, size) for size in shape[:3]), shape[3], shape[4]

    def part(first: int, channels: int) -> Slices:
        return (*kernel, slice(first, first + channels), slice(0, outputs))

    first_of_space = largest[3] // 2 if shared is _BOTH else 0
    match own:
        case SqueezeExciteType.BOTH:
            return part(0, inputs // 2), part(first_of_space, inputs // 2)
        case SqueezeExciteType.SPACE:
            return (part(first_of_space, inputs),)
        case _:
            return (part(0, inputs),)


def sliced(member: Slim, shared: Weights) -> Weights:
    """The member's weights, taken out of the shared ones."""
    weights = {}
    for name, parts in member.parts.items():
        taken = [shared[name][part] for part in parts]
        weights[name] = taken[0] if len(taken) == 1 else np.concatenate(taken, axis=-2)
    return weights


def add_spread(member: Slim, gradients: Weights, total: Weights) -> None:
    """Adds gradients of the member's weights to those of the shared ones that they are slices of.

    It is the transpose of :func:`sliced`; shared weights that are not the member's have none.

    Args:
        total: gradients of all shared weights; is changed.
    """
    for name, gradient in gradients.items():
        parts = member.parts[name]
        pieces = [gradient] if len(parts) == 1 else np.split(gradient, len(parts), axis=-2)
        for part, piece in zip(parts, pieces, strict=True):
            total[name][part] += piece
