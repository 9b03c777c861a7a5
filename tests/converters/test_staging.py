"""Stages: parts of a network between which one value goes."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    Convolution,
    Dense,
    Previous,
    SpatialMean,
)
from movistream_converters.ir.network import Network
from movistream_converters.ir.staging import with_stages
from movistream_converters.ir.tags import stage_of
from tests.networks import random_network


def stages(network: Network) -> list[str]:
    return [stage_of(node) for node in with_stages(network).nodes]


@pytest.mark.parametrize("seed", range(60))
def test_one_value_goes_from_stage_to_stage(seed: int) -> None:
    drawn = random_network(random.Random(seed))
    network = replace(drawn, nodes=tuple(replace(node, tags=()) for node in drawn.nodes))
    staged = with_stages(network)
    of = {node.name: stage_of(node) for node in staged.nodes}
    order = list(dict.fromkeys(of.values()))
    assert [order.index(stage) for stage in of.values()] == sorted(map(order.index, of.values()))
    last = {stage: name for name, stage in of.items()}
    for node in staged.nodes:
        assert len(node.tags) == 1
        for name in node.inputs:
            if of[name] == of[node.name]:
                continue
            # What a recurrent value reads comes later, and lies in its own stage.
            assert not isinstance(node.layer, Previous)
            assert name == last[of[name]]
            assert order.index(of[name]) == order.index(of[node.name]) - 1


def test_stages_of_residual_blocks_are_called_by_their_first_kernels() -> None:
    builder = NetworkBuilder("staged", (8, 8))
    relu = Activation(ActivationFunction.RELU)
    builder.add("stem", Convolution(4, (1, 3, 3)))
    before = builder.add("stem.relu", relu)
    builder.add("block.first", Convolution(4, (1, 3, 3)))
    builder.add("block.relu", relu)
    builder.add("block.second", Convolution(4, (1, 3, 3)))
    builder.add("block.add", Add(), "block.second", before)
    builder.add("mean", SpatialMean())
    builder.previous("cell.before", "cell", (1, 1, 4))
    builder.add("cell.kernel", Dense(4))
    builder.add("cell", Add(), "mean", "cell.kernel")
    builder.add("logits", Dense(2))
    expected = {"stem": 3, "block.first": 5, "cell.kernel": 3, "logits": 1}
    found = stages(builder.build())
    assert {name: found.count(name) for name in found} == expected
