"""In which order a model's layers are called, and what each call reads.

Functions raise what Python raises where a description is not as expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.keras_model.description import (
    FUNCTIONAL,
    INPUT,
    Call,
    KerasLayer,
)

_TENSOR = "__keras_tensor__"
_DEEPEST_ARGUMENTS = 4

_Reference: TypeAlias = tuple[str, int]
"""The name of a layer, and which of its calls."""


def chained(
    path: Path, layers: list[KerasLayer], config: Mapping[str, Any], places: tuple[str, ...]
) -> tuple[Call, ...]:
    """The calls of a sequential model."""
    if layers[0].class_name != INPUT:
        shape = {"batch_shape": config.get("build_input_shape")}
        place = "/".join((*places, "input"))
        layers = [KerasLayer(path, INPUT, "input", place, shape), *layers]
    return tuple(Call(layer, (index - 1,) if index else ()) for index, layer in enumerate(layers))


def called(
    path: Path,
    layers: list[KerasLayer],
    items: list[Any],
    config: Mapping[str, Any],
    places: tuple[str, ...],
) -> tuple[Call, ...]:
    """The calls of a functional model, those alone that its output needs.

    Args:
        items: what describes each of the layers.
        config: of the model.
        places: names of the models and wrappers around, and of this one.

    Raises:
        ConversionError: if there is no order in which they can run, from one input to one output.
    """
    whose = printable("/".join(places)) or "its model"
    for kind in ("inputs", "outputs"):
        if (count := len(_ends(config[f"{kind[:-1]}_layers"]))) != 1:
            raise ConversionError(
                f"{path}: {whose} has {count} {kind}, and a stream has one image going in and one"
                " row of logits coming out; make a model of the ones that are meant"
            )
    by_name = {layer.name: layer for layer in layers}
    if len(by_name) != len(layers):
        raise ValueError(f"two layers of {whose} have one name")
    calls: dict[_Reference, tuple[list[_Reference], tuple[str, ...]]] = {}
    for layer, item in zip(layers, items, strict=True):
        nodes = item["inbound_nodes"]
        if not isinstance(nodes, list):
            raise TypeError(f"{layer.name} has no list of calls")
        calls.update({(layer.name, number): _arguments(n) for number, n in enumerate(nodes)})
        if layer.class_name == INPUT:
            calls[layer.name, 0] = [], ()
    (entry,), (end,) = _ends(config["input_layers"]), _ends(config["output_layers"])
    if by_name[end[0]].class_name == FUNCTIONAL:
        # Counted from one, where functional models are the end.
        end = end[0], max(end[1] - 1, 0)
    order = _in_order(path, whose, calls, end)
    if not order or order[0] != entry or any(not calls[key][0] for key in order[1:]):
        raise ConversionError(f"{path}: what {whose} gives does not come from its input alone")
    index = {key: number for number, key in enumerate(order)}
    return tuple(
        Call(by_name[key[0]], tuple(index[read] for read in calls[key][0]), calls[key][1])
        for key in order
    )


def _in_order(
    path: Path,
    whose: str,
    calls: Mapping[_Reference, tuple[list[_Reference], tuple[str, ...]]],
    end: _Reference,
) -> list[_Reference]:
    """The calls that the last one needs, each behind those that it reads."""
    done: dict[_Reference, None] = {}
    open_: set[_Reference] = set()
    stack = [end]
    while stack:
        key = stack[-1]
        if key in done:
            stack.pop()
            continue
        reads = calls[key][0]
        if waiting := [read for read in reads if read not in done]:
            if key in open_:
                raise ConversionError(
                    f"{path}: the calls of {whose} go in a circle, at {printable(key[0])}"
                )
            open_.add(key)
            stack += reversed(waiting)
            continue
        done[key] = None
        stack.pop()
    return list(done)


def _arguments(node: Any) -> tuple[list[_Reference], tuple[str, ...]]:
    """The tensors of a call, and the names of what else is given."""
    if not isinstance(node, dict):
        raise TypeError("a call is described in the way of Keras 2")
    tensors: list[_Reference] = []
    others: list[str] = []
    for value in _flat(node.get("args", []), 0):
        if isinstance(value, dict) and value.get("class_name") == _TENSOR:
            tensors.append(_reference(value["config"]["keras_history"]))
        elif value is not None:
            others.append("a constant")
    kwargs = node.get("kwargs", {})
    for name, value in kwargs.items():
        if value is not None and value is not False:
            others.append(name_of(name))
    return tensors, tuple(others)


def _flat(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, list):
        if depth > _DEEPEST_ARGUMENTS:
            raise ValueError("arguments are lists of lists of lists")
        for item in value:
            yield from _flat(item, depth + 1)
    else:
        yield value


def _ends(described: Any) -> list[_Reference]:
    """The inputs or outputs of a model."""
    if isinstance(described, dict):
        return [end for value in described.values() for end in _ends(value)]
    if len(described) == 3 and isinstance(described[0], str):
        return [_reference(described)]
    return [_reference(value) for value in described]


def _reference(history: Any) -> _Reference:
    name, call, tensor = history
    if type(call) is not int or type(tensor) is not int or call < 0:
        raise TypeError(f"{history!r:.80} is no place of a tensor")
    if tensor != 0:
        raise ValueError(f"{name!r:.80} gives several values, of which one that is not the first")
    return name_of(name), call


def name_of(value: Any) -> str:
    """A name, checked to be one.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is no name")
    return value
