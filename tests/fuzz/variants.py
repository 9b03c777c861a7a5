"""Variants by number: the same seed and index give the same file, whenever and wherever."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from tests.fuzz import (  # noqa: F401  (they register their mutations)
    graph_mutations,
    manifest_mutations,
    operand_mutations,
    option_mutations,
    quantization_mutations,
    tensor_mutations,
)
from tests.fuzz.drawn import drawn_row
from tests.fuzz.mutation import MUTATIONS, NotApplicableError
from tests.fuzz.raw import RAW_MUTATIONS
from tests.fuzz.repair import accepted, repair, repair_ends
from tests.fuzz.sketch import stream_model
from tests.fuzz.tree import CANNOT_BE_PACKED, FileTree, put_together, seal, taken_apart

_MORE = (0, 0, 0, 1, 1, 2)
"""Mutations besides the first."""
_RAW_SHARE = 0.1
_DRAWN_SHARE = 0.2
_WALK_SHARE = 0.35
_REPAIR_SHARE = 0.7
_NETWORK_SHARE = 0.12
_LOUD_SHARE = 0.15
_ATTEMPTS = 60
_QUIET = [name for name, mutation in MUTATIONS.items() if not mutation.loud]
_LOUD = [name for name, mutation in MUTATIONS.items() if mutation.loud]
NOT_THERE = (*CANNOT_BE_PACKED, NotApplicableError, LookupError)
"""A mutation may find that an earlier one has removed what it would change."""


@dataclass(frozen=True)
class Variant:
    """A hostile file.

    Attributes:
        seed: name of the file that it was made from.
        mutations: names of what was done to it, in order.
        data: its bytes, sealed.
    """

    seed: str
    mutations: tuple[str, ...]
    data: bytes


class Seeds:
    """Files to make variants of, taken apart once."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.networks = [name for name in files if name.startswith("network")]
        self.others = [name for name in files if not name.startswith("network")]
        self._trees = {name: pickle.dumps(taken_apart(data)) for name, data in files.items()}

    def tree(self, name: str) -> FileTree:
        """A fresh copy."""
        tree: FileTree = pickle.loads(self._trees[name])
        return tree

    def draw(self, random: Random) -> str:
        """A name; networks come more often than their number says."""
        in_networks = not self.others or random.random() < _NETWORK_SHARE
        return random.choice(self.networks if in_networks and self.networks else self.others)


def make_variant(seeds: Seeds, number: int, index: int) -> Variant:
    """The index-th variant of a campaign.

    Args:
        seeds: their names and order count.
        number: of the campaign.
    """
    random = Random(f"{number}:{index}")
    while True:
        variant = _attempt(seeds, random)
        if variant is not None:
            return variant


def _attempt(seeds: Seeds, random: Random) -> Variant | None:
    """A kind of mutation is drawn before a file is: rare ones come as often as frequent ones."""
    way = random.random()
    if way < _RAW_SHARE:
        name = seeds.draw(random)
        return _raw_variant(name, (), seeds.files[name], random)
    if way < _RAW_SHARE + _DRAWN_SHARE:
        return _drawn(random)
    if way < _RAW_SHARE + _DRAWN_SHARE + _WALK_SHARE:
        return _walk(seeds, random)
    first = random.choice(_LOUD if random.random() < _LOUD_SHARE else _QUIET)
    found = _started(seeds, first, random)
    if found is None:
        return None
    name, tree = found
    done, more = [first], random.choice(_MORE)
    for each in (random.choice(_QUIET) for _ in range(more * 4)):
        if len(done) <= more and _applies(each, tree, random):
            done.append(each)
    _repair_perhaps(tree, random)
    data = _file(tree)
    if data is None or data == seeds.files[name]:
        return None
    return Variant(name, tuple(done), data)


def _drawn(random: Random) -> Variant | None:
    """An operator with drawn shapes and options, and perhaps a mutation."""
    row = drawn_row(random)
    try:
        tree = taken_apart(stream_model(row))
    except NOT_THERE:
        return None
    done = ["drawn"]
    each = random.choice(_QUIET)
    if random.random() < 0.3 and _applies(each, tree, random):
        done.append(each)
    with suppress(*NOT_THERE):
        repair(tree)
    data = _file(tree)
    return None if data is None else Variant(row.name, tuple(done), data)


def _walk(seeds: Seeds, random: Random) -> Variant | None:
    """Mutations that the runtime's checks let pass, one upon the other."""
    name = seeds.draw(random)
    tree, data, done = seeds.tree(name), seeds.files[name], ()
    for _ in range(random.choice((1, 2, 4))):
        kept = pickle.dumps(tree)
        each = random.choice(_QUIET)
        if _applies(each, tree, random):
            _repair_perhaps(tree, random)
            edited = _file(tree)
            if edited is not None and edited != data and accepted(edited):
                data, done = edited, (*done, each)
                continue
        tree = pickle.loads(kept)
    return Variant(name, done, data) if done else None


def _started(seeds: Seeds, mutation: str, random: Random) -> tuple[str, FileTree] | None:
    """A file that a mutation applies to, with that done."""
    for _ in range(_ATTEMPTS):
        name = seeds.draw(random)
        tree = seeds.tree(name)
        if _applies(mutation, tree, random):
            return name, tree
    return None


def _repair_perhaps(tree: FileTree, random: Random) -> None:
    if random.random() < _REPAIR_SHARE:
        with suppress(*NOT_THERE):
            repair(tree)
            repair_ends(tree)


def _file(tree: FileTree) -> bytes | None:
    """A tree as a file, if a file can hold it."""
    try:
        return put_together(tree)
    except NOT_THERE:
        return None


def _applies(name: str, tree: FileTree, random: Random) -> bool:
    try:
        MUTATIONS[name].edit(tree, random)
    except NOT_THERE:
        return False
    return True


def _raw_variant(seed: str, done: tuple[str, ...], data: bytes, random: Random) -> Variant | None:
    edited = bytearray(data)
    for _ in range(random.choice((1, 1, 2))):
        name = random.choice(list(RAW_MUTATIONS))
        try:
            RAW_MUTATIONS[name](edited, random)
        except (*NOT_THERE, RecursionError):
            continue
        done = (*done, name)
    if bytes(edited) == data:
        return None
    return Variant(seed, done, seal(bytes(edited)))
