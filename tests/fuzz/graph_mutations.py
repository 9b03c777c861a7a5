"""What goes in and out of a graph, what signatures call it, and how many graphs there are."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from movistream.file.manifest import METADATA_NAME
from tests.fuzz.mutation import (
    NotApplicableError,
    constants,
    graph,
    ints,
    mutation,
    one_of,
)
from tests.fuzz.tree import FileTree

_SIDES = ("inputs", "outputs")


def _signature(tree: FileTree, random: Random) -> Any:
    return one_of(random, tree.model.signatureDefs or ())


def _entry(tree: FileTree, random: Random) -> Any:
    """A name of a signature, with its tensor."""
    return one_of(random, getattr(_signature(tree, random), random.choice(_SIDES)) or ())


def _other_tensor(tree: FileTree, random: Random, side: str, place: int, index: int) -> None:
    """Another tensor goes in or out of the graph, and the signature says so too."""
    found = tree.graph
    indices = ints(getattr(found, side))
    old, indices[place] = indices[place], index
    setattr(found, side, indices)
    if 0 <= index < 2**32:
        for signature in tree.model.signatureDefs or ():
            for entry in getattr(signature, side) or ():
                if entry.tensorIndex == old:
                    entry.tensorIndex = index


def _place(tree: FileTree, random: Random, side: str) -> int:
    count = len(ints(getattr(tree.graph, side)))
    if not count:
        raise NotApplicableError
    return random.randrange(count)


@mutation("input-is-a-constant", loud=True)
def _constant_input(tree: FileTree, random: Random) -> None:
    chosen = one_of(random, constants(tree, tree.graph))
    place = _place(tree, random, "inputs")
    _other_tensor(tree, random, "inputs", place, tree.graph.tensors.index(chosen))


@mutation("output-is-a-constant")
def _constant_output(tree: FileTree, random: Random) -> None:
    chosen = one_of(random, constants(tree, tree.graph))
    place = _place(tree, random, "outputs")
    _other_tensor(tree, random, "outputs", place, tree.graph.tensors.index(chosen))


@mutation("output-is-an-input")
def _input_output(tree: FileTree, random: Random) -> None:
    chosen = one_of(random, ints(tree.graph.inputs))
    _other_tensor(tree, random, "outputs", _place(tree, random, "outputs"), chosen)


@mutation("input-is-an-output")
def _output_input(tree: FileTree, random: Random) -> None:
    chosen = one_of(random, ints(tree.graph.outputs))
    _other_tensor(tree, random, "inputs", _place(tree, random, "inputs"), chosen)


@mutation("input-is-computed")
def _computed_input(tree: FileTree, random: Random) -> None:
    results = [index for each in tree.graph.operators or () for index in ints(each.outputs)]
    _other_tensor(tree, random, "inputs", _place(tree, random, "inputs"), one_of(random, results))


@mutation("output-other", loud=True)
def _other_output(tree: FileTree, random: Random) -> None:
    index = random.randrange(len(tree.graph.tensors))
    _other_tensor(tree, random, "outputs", _place(tree, random, "outputs"), index)


@mutation("input-other", loud=True)
def _other_input(tree: FileTree, random: Random) -> None:
    index = random.randrange(len(tree.graph.tensors))
    _other_tensor(tree, random, "inputs", _place(tree, random, "inputs"), index)


@mutation("graph-ends-out-of-range", loud=True)
def _out_of_range(tree: FileTree, random: Random) -> None:
    side = random.choice(_SIDES)
    count = len(tree.graph.tensors)
    outside = random.choice((-1, -2, count, count + 9, 2**31 - 1, -(2**31)))
    _other_tensor(tree, random, side, _place(tree, random, side), outside)


@mutation("graph-ends-listed", loud=True)
def _listed(tree: FileTree, random: Random) -> None:
    """Inputs or outputs of the graph: one twice, one less, one more, none, in another order."""
    found = graph(tree, random)
    side = random.choice(_SIDES)
    indices = ints(getattr(found, side))
    if not indices:
        raise NotApplicableError
    kind = random.randrange(6)
    if kind == 0:
        indices.append(random.choice(indices))
    elif kind == 1:
        del indices[random.randrange(len(indices))]
    elif kind == 2:
        indices.append(random.randrange(len(found.tensors)))
    elif kind == 3:
        indices = []
    elif kind == 4:
        random.shuffle(indices)
    else:
        indices *= 1000
    setattr(found, side, None if kind == 3 and random.random() < 0.5 else indices)


@mutation("ends-removed-everywhere")
def _removed_everywhere(tree: FileTree, random: Random) -> None:
    """An input or output less, in graph, signature and manifest."""
    side = random.choice(_SIDES)
    place = _place(tree, random, side)
    indices = ints(getattr(tree.graph, side))
    gone = indices.pop(place)
    setattr(tree.graph, side, indices)
    for signature in tree.model.signatureDefs or ():
        entries = [e for e in getattr(signature, side) or () if e.tensorIndex != gone]
        setattr(signature, side, entries)


@mutation("graph-name", loud=True)
def _graph_name(tree: FileTree, random: Random) -> None:
    names = (None, "", "x" * 100_000, "\x1b]0;x\x07", "a\x00b")
    graph(tree, random).name = random.choice(names)


@mutation("graph-duplicated")
def _graph_duplicated(tree: FileTree, random: Random) -> None:
    graphs = tree.model.subgraphs
    graphs += [random.choice(graphs)] * random.choice((1, 1, 2, 14, 15, 16, 40))


@mutation("graph-empty")
def _graph_empty(tree: FileTree, random: Random) -> None:
    empty = schema.SubGraphT()
    if random.random() < 0.5:
        empty.tensors, empty.inputs, empty.outputs, empty.operators = [], [], [], []
    place = random.choice((0, len(tree.model.subgraphs)))
    tree.model.subgraphs.insert(place, empty)
    if place == 0 and random.random() < 0.7:
        for signature in tree.model.signatureDefs or ():
            signature.subgraphIndex += 1


@mutation("graphs-none", loud=True)
def _graphs_none(tree: FileTree, random: Random) -> None:
    tree.model.subgraphs = random.choice(([], None))


@mutation("graph-second-differs")
def _second_graph(tree: FileTree, random: Random) -> None:
    """The signature is about a copy of the graph, and the first one is another."""
    second = copy.copy(tree.graph)
    first = copy.copy(tree.graph)
    first.operators = list(first.operators or ())[: random.choice((0, 1, 2))]
    first.outputs = random.choice((first.inputs, first.outputs, []))
    tree.model.subgraphs = [first, second]
    for signature in tree.model.signatureDefs or ():
        signature.subgraphIndex = 1


@mutation("signature-graph", loud=True)
def _signature_graph(tree: FileTree, random: Random) -> None:
    count = len(tree.model.subgraphs or ())
    _signature(tree, random).subgraphIndex = random.choice((1, count, count - 1, 2**32 - 1))


@mutation("signature-tensor", loud=True)
def _signature_tensor(tree: FileTree, random: Random) -> None:
    count = len(tree.graph.tensors)
    chosen = random.choice((0, random.randrange(count), count, 2**31, 2**32 - 1))
    _entry(tree, random).tensorIndex = chosen


@mutation("signature-tensors-swapped")
def _signature_swapped(tree: FileTree, random: Random) -> None:
    entries = getattr(_signature(tree, random), random.choice(_SIDES)) or []
    if len(entries) < 2:
        raise NotApplicableError
    first, second = random.sample(entries, 2)
    first.tensorIndex, second.tensorIndex = second.tensorIndex, first.tensorIndex


@mutation("signature-name", loud=True)
def _signature_name(tree: FileTree, random: Random) -> None:
    other = _entry(tree, random).name
    names = (None, "", "x" * 2000, "\x1b[2J", other, "image", "logits", "a\x00b", "a\nb")
    _entry(tree, random).name = random.choice(names)


@mutation("signature-key", loud=True)
def _signature_key(tree: FileTree, random: Random) -> None:
    keys = (None, "", "x" * 2000, "other", "a\x00b", "\x1b[2J")
    _signature(tree, random).signatureKey = random.choice(keys)


@mutation("signature-entries")
def _signature_entries(tree: FileTree, random: Random) -> None:
    signature = _signature(tree, random)
    side = random.choice(_SIDES)
    entries = list(getattr(signature, side) or ())
    if not entries:
        raise NotApplicableError
    kind = random.randrange(4)
    if kind == 0:
        entries.append(random.choice(entries))
    elif kind == 1:
        entries.remove(random.choice(entries))
    elif kind == 2:
        entries = []
    else:
        random.shuffle(entries)
    setattr(signature, side, entries)


@mutation("signatures", loud=True)
def _signatures(tree: FileTree, random: Random) -> None:
    signatures = list(tree.model.signatureDefs or ())
    other = copy.copy(_signature(tree, random))
    other.signatureKey = random.choice((other.signatureKey, "second", ""))
    tree.model.signatureDefs = random.choice(
        ([], None, [*signatures, other], [other, *signatures], [other] * 50)
    )


@mutation("metadata-buffer", loud=True)
def _metadata_buffer(tree: FileTree, random: Random) -> None:
    count = len(tree.model.buffers)
    chosen = random.choice((0, 1, count - 1, count, 2**31 - 1, 2**32 - 1))
    one_of(random, tree.model.metadata or ()).buffer = chosen


@mutation("metadata-entries")
def _metadata_entries(tree: FileTree, random: Random) -> None:
    entries = list(tree.model.metadata or ())
    other = schema.MetadataT()
    names = (
        None,
        "",
        METADATA_NAME,
        "min_runtime_version",
        "x" * 5000,
        "reduced_precision_support",
    )
    other.name = random.choice(names)
    other.buffer = random.randrange(len(tree.model.buffers))
    if random.random() < 0.4:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(
            random.choice((b"\xff" * 40, b"", b"1.5.0" + bytes(11))), np.uint8
        )
        tree.model.buffers.append(buffer)
        other.buffer = len(tree.model.buffers) - 1
    choices = ([*entries, other], [other, *entries], [], None, entries * 200)
    tree.model.metadata = random.choice(choices)


@mutation("model-fields")
def _model_fields(tree: FileTree, random: Random) -> None:
    kind = random.randrange(4)
    if kind == 0:
        tree.model.version = random.choice((0, 1, 2, 4, 2**32 - 1))
    elif kind == 1:
        tree.model.description = random.choice((None, "", "x" * 100_000))
    elif kind == 2:
        tree.model.metadataBuffer = [random.choice((0, 1, -1, 2**31 - 1))] * random.choice((1, 99))
    else:
        tree.model.buffers = random.choice(([], None, tree.model.buffers[:1]))
