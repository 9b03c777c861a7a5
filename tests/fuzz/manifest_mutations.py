"""What the manifest says: each field with another value, and text that is no manifest."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from tests.fuzz.mutation import INT32, NotApplicableError, mutation, one_of
from tests.fuzz.tree import FileTree

_NAMES = ("", "image", "state", "logits", "nowhere", "x" * 2000, "\x1b[2J", "a\x00b", "‮", "../x")
_NUMBERS: tuple[Any, ...] = (*INT32, -1, 0.5, -1e6, 1e6, 1e7, 1e308, -0.0, 2**63, 2**64, 10**30)


def _manifest(tree: FileTree) -> dict[str, Any]:
    if not isinstance(tree.manifest, dict):
        raise NotApplicableError
    return tree.manifest


def _state(tree: FileTree, random: Random) -> dict[str, Any]:
    return one_of(random, _manifest(tree).get("states") or ())


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Ways to everything in a JSON value."""
    found = [path] if path else []
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        found += _places(item, (*path, key))
    return found


def _other(value: Any, random: Random) -> Any:
    """A value of the same kind, mostly."""
    if random.random() < 0.15:
        return random.choice((None, True, 1, "x", [], {}, [[]], -1.5))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return random.choice(_NUMBERS)
    if isinstance(value, str):
        return random.choice(_NAMES)
    if isinstance(value, list):
        kind = random.randrange(5)
        if kind == 0 or not value:
            return []
        if kind == 1:
            return value[:-1]
        if kind == 2:
            return [*value, copy.deepcopy(random.choice(value))]
        if kind == 3:
            return value[::-1]
        return value * 1000
    return {}


@mutation("manifest-field")
def _field(tree: FileTree, random: Random) -> None:
    """Any value becomes another."""
    manifest = _manifest(tree)
    path = one_of(random, _places(manifest))
    holder = manifest
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = _other(holder[path[-1]], random)


@mutation("manifest-field-removed", loud=True)
def _removed(tree: FileTree, random: Random) -> None:
    manifest = _manifest(tree)
    path = one_of(random, _places(manifest))
    holder = manifest
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]


@mutation("manifest-field-added", loud=True)
def _added(tree: FileTree, random: Random) -> None:
    holder = random.choice((_manifest(tree), _manifest(tree)["input"], _manifest(tree)["logits"]))
    holder[random.choice(("extra", "", "digest", "labels"))] = random.choice((1, "x", []))


@mutation("state-names", loud=True)
def _state_names(tree: FileTree, random: Random) -> None:
    state = _state(tree, random)
    other = _state(tree, random)
    image, logits = _manifest(tree)["input"]["tensor"], _manifest(tree)["logits"]["tensor"]
    kind = random.randrange(5)
    if kind == 0:
        state["inputs"], other["inputs"] = other["inputs"], state["inputs"]
    elif kind == 1:
        state["output"], other["output"] = other["output"], state["output"]
    elif kind == 2:
        state["inputs"] = [image]
    elif kind == 3:
        state["output"] = logits
    else:
        state["name"] = other["name"]


@mutation("state-advance")
def _advance(tree: FileTree, random: Random) -> None:
    _state(tree, random)["advance"] = random.choice(("replace", "shift", "keep"))


@mutation("state-role")
def _role(tree: FileTree, random: Random) -> None:
    state = _state(tree, random)
    state["role"] = random.choice(("buffer", "pool", "remainder", "clock", "position"))
    _manifest(tree)["horizon_frames"] = random.choice((None, 1, 2, 2**31 - 1))


@mutation("state-shape", loud=True)
def _shape(tree: FileTree, random: Random) -> None:
    shape = _state(tree, random)["shape"]
    if not shape:
        raise NotApplicableError
    shape[random.randrange(len(shape))] = random.choice((0, -1, 1, 2, 2**20, 2**31 - 1, 2**31))


@mutation("state-initial")
def _initial(tree: FileTree, random: Random) -> None:
    """A value after a reset that the state's type cannot hold, maybe."""
    state = _state(tree, random)
    state["initial"] = random.choice((-129, 128, 300, 0.5, -1e6, 1e6, 70_000, -1, 1e-30))


@mutation("states-several-inputs")
def _several(tree: FileTree, random: Random) -> None:
    """States that are one delay line: one output feeds the other's input."""
    states = _manifest(tree).get("states") or []
    if len(states) < 2:
        raise NotApplicableError
    first, second = random.sample(states, 2)
    first["inputs"] = [*first["inputs"], *second["inputs"]]
    first["advance"] = "shift"
    states.remove(second)


@mutation("manifest-image")
def _image(tree: FileTree, random: Random) -> None:
    entry = _manifest(tree)["input"]
    kind = random.randrange(5)
    if kind == 0:
        entry["dtype"] = random.choice(("float32", "int8", "uint8", "float16", "int32"))
    elif kind == 1:
        entry["value_range"] = random.choice(
            ([-128, 127], [0, 0], [1, 0], [-1e6, 1e6], [0, 255], [1e-30, 2e-30], [0], [0, 1, 2])
        )
    elif kind == 2:
        entry["shape"] = random.choice(([1, 1, *entry["shape"][-3:]], entry["shape"][-3:], [3]))
    elif kind == 3:
        entry["frames_per_second"] = random.choice((None, 0, 1e-300, 1e-5, 1000, 1001, -1))
    else:
        entry["tensor"] = random.choice(_NAMES)


@mutation("manifest-image-numbers")
def _image_numbers(tree: FileTree, random: Random) -> None:
    """What pixels become, channel by channel; with the version that may say it, or without."""
    entry = _manifest(tree)["input"]
    _manifest(tree)["schema_version"] = random.choice((2, 2, 2, 1, 3))
    channels = random.choice((1, 2, 3, 4, 2**20))
    numbers = random.choice(([0.5], [0], [-1], [1e-38], [1e38], [0, 1e-300], []))
    name = random.choice(("mean", "std", "scale", "zero_point"))
    entry[name] = random.choice((numbers[0] if numbers else None, (numbers * channels)[:channels]))
    if random.random() < 0.3:
        entry["color_order"] = random.choice(("RGB", "BGR", None, "x"))
    if random.random() < 0.3:
        entry["shape"] = [*entry["shape"][:-1], channels]


@mutation("manifest-delays")
def _delays(tree: FileTree, random: Random) -> None:
    """Answers that come late, and states that begin late."""
    manifest = _manifest(tree)
    manifest["schema_version"] = random.choice((2, 2, 2, 1))
    counts = (0, 1, 2, 3, -1, 2**31 - 1, 2**31, 2**63, 0.5)
    for holder, names in (
        (manifest, ("delay_frames", "warm_up_frames", "horizon_frames")),
        (_state(tree, random), ("delay_frames",)),
    ):
        for name in names:
            if random.random() < 0.6:
                holder[name] = random.choice(counts)


@mutation("manifest-logits")
def _logits(tree: FileTree, random: Random) -> None:
    entry = _manifest(tree)["logits"]
    kind = random.randrange(4)
    if kind == 0:
        entry["dtype"] = random.choice(("float32", "int8", "uint8", "int16", "int32", "int64"))
    elif kind == 1:
        entry["scale"] = random.choice((0, -1, 1e6, 1e-40, 1e7))
    elif kind == 2:
        entry["zero_point"] = random.choice((2**31 - 1, -(2**31), 2**31, 300))
    else:
        entry["classes"] = random.choice((0, 1, 2**31 - 1, 2**31))


@mutation("manifest-layout")
def _layout(tree: FileTree, random: Random) -> None:
    _manifest(tree)["state_layout"] = random.choice(("frames", "model-garden", "foreign", "x"))


@mutation("manifest-labels", loud=True)
def _labels(tree: FileTree, random: Random) -> None:
    count = _manifest(tree)["logits"]["classes"]
    labels = random.choice(([], ["x"] * count, [""] * count, ["‮"] * count, ["x" * 1000] * 3))
    _manifest(tree)["labels"] = labels


@mutation("manifest-large", loud=True)
def _large(tree: FileTree, random: Random) -> None:
    manifest = _manifest(tree)
    kind = random.randrange(3)
    if kind == 0:
        manifest["network"] = {f"k{i}": "x" * 100 for i in range(random.choice((100, 20_000)))}
    elif kind == 1:
        manifest["states"] = manifest["states"] * random.choice((100, 5000))
    else:
        manifest["labels"] = ["x"] * 200_000


@mutation("manifest-no-json", loud=True)
def _no_json(tree: FileTree, random: Random) -> None:
    """Bytes that end like a manifest, so that they can be sealed, and are none."""
    manifest = _manifest(tree)
    text = json.dumps(manifest, separators=(",", ":")).encode()
    place = random.randrange(1, len(text) - 80)
    tree.manifest = random.choice(
        (
            text[place:],
            b"[" * 50_000 + text,
            b'{"a":' * 50_000 + text,
            b"\xff\xfe" + text,
            text[:place] + b"\x00" + text[place:],
            text + text,
            b"\xef\xbb\xbf" + text,
            text.replace(b":", b"::", 1),
            text.replace(b'"digest"', b'"digest":"","digest"'),
        )
    )


@mutation("manifest-removed")
def _gone(tree: FileTree, random: Random) -> None:
    """The file becomes one of others, which its signature alone describes."""
    _manifest(tree)
    tree.model.metadata = None
    tree.manifest = None
