"""A model as data: its layers and their calls, in the order in which they run.

Format: ``get_config`` of Keras 3's ``Functional`` and ``Sequential``, and
``keras/src/saving/saving_lib.py`` for the places of arrays (keras-team/keras, Apache-2.0). Nothing
of it is trusted: it may come from a stranger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.keras_model.archive import Archive

FUNCTIONAL, SEQUENTIAL, INPUT = "Functional", "Sequential", "InputLayer"
OPERATION = "ops."
"""Before the class of what a function of ``keras.ops`` has become."""

_OPERATIONS = "keras.src.ops."
_DEEPEST = 16
"""Models and wrappers within each other."""
_TENSOR = "__keras_tensor__"
_DEEPEST_ARGUMENTS = 4

_Reference: TypeAlias = tuple[str, int]
"""The name of a layer, and which of its calls."""


@dataclass(frozen=True)
class KerasLayer:
    """A layer as its file describes it.

    Attributes:
        path: of the file, for errors.
        class_name: without its module.
        name: that it has in its model.
        place: its name behind those of the models and wrappers around it, for people.
        config: what ``get_config`` gave; whatever a file may hold.
        weights: in the order in which the layer made them; of recurrent layers, their cell's.
        is_keras: whether the class is Keras' own.
        inner: what a wrapper wraps.
        model: what it is, if it is a model.
    """

    path: Path
    class_name: str
    name: str
    place: str
    config: Mapping[str, Any]
    weights: tuple[npt.NDArray[Any], ...] = ()
    is_keras: bool = True
    inner: KerasLayer | None = None
    model: Model | None = None


@dataclass(frozen=True)
class Call:
    """A layer applied.

    Attributes:
        inputs: which calls of the model it reads.
        others: names of what else it is given.
    """

    layer: KerasLayer
    inputs: tuple[int, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """A functional or sequential model.

    Attributes:
        calls: each behind those that it reads; the last gives the model's output, and the first
            is the input (:data:`INPUT`).
    """

    name: str
    calls: tuple[Call, ...]


def refused(layer: KerasLayer, reason: str) -> ConversionError:
    """The error of a layer that cannot be.

    Args:
        reason: what is wrong with it, going on behind its name, and what to do.
    """
    return ConversionError(
        f"{layer.path}: layer {printable(layer.place)} ({printable(layer.class_name)}) {reason}"
    )


def described_model(archive: Archive) -> Model:
    """The model of a file.

    Raises:
        ConversionError: if it is neither functional nor sequential, has several inputs or outputs,
            or its description makes no sense.
    """
    try:
        layer = _Reader(archive).layer(archive.described, "", (), is_root=True)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ConversionError(
            f"{archive.path} describes its model in a way that cannot be used:"
            f" {printable(str(error))[:200]}"
        ) from None
    if layer.model is None:
        whose = "is Keras', but no model" if layer.is_keras else "is no class of Keras'"
        raise ConversionError(
            f"{archive.path} holds a {printable(layer.class_name)}, which {whose}: only functional"
            " and sequential models say what they compute without running their code. Build the"
            " model anew with keras.Model(inputs, outputs), and save that"
        )
    return layer.model


@dataclass(frozen=True)
class _Reader:
    """Reads descriptions. Its methods raise what Python raises where they are not as expected."""

    archive: Archive

    def layer(
        self, item: Any, at: str, places: tuple[str, ...], *, is_root: bool = False
    ) -> KerasLayer:
        """A layer.

        Args:
            at: where its arrays are.
            places: names of the models and wrappers around it.
        """
        class_name, config = _text(item["class_name"]), item["config"]
        if not isinstance(config, dict):
            raise TypeError(f"{class_name} is described by {type(config).__name__}")
        name = _text(item.get("name") or config.get("name") or "")
        module, registered = item.get("module"), item.get("registered_name")
        is_keras = (
            isinstance(module, str)
            and (module == "keras" or module.startswith("keras."))
            and registered in (None, class_name)
        )
        if is_keras and module.startswith(_OPERATIONS):
            class_name = f"{OPERATION}{class_name}"
        inside = places if is_root else (*places, name)
        if len(inside) > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} models are within each other")
        inner, model = None, None
        if is_keras and class_name in (FUNCTIONAL, SEQUENTIAL):
            model = self.model(class_name, config, at, inside)
        elif isinstance(config.get("layer"), dict):
            inner = self.layer(config["layer"], f"{at}/layer", inside)
        return KerasLayer(
            self.archive.path,
            class_name,
            name,
            "/".join(inside),
            config,
            self.weights(at, name),
            is_keras,
            inner,
            model,
        )

    def weights(self, at: str, name: str) -> tuple[npt.NDArray[Any], ...]:
        """A layer's own arrays."""
        for place in (f"{at}/vars", f"{at}/cell/vars"):
            found: list[npt.NDArray[Any]] = []
            while (key := f"{place}/{len(found)}".lstrip("/")) in self.archive.arrays:
                found.append(self.archive.arrays[key])
            if found:
                known = self.archive.names.get(place)
                if known not in (None, name) and place == f"{at}/vars":
                    raise ValueError(f"the arrays of {name} are those of {known}")
                return tuple(found)
        return ()

    def model(
        self, class_name: str, config: Mapping[str, Any], at: str, places: tuple[str, ...]
    ) -> Model:
        """A model, its layers with their arrays."""
        items = config["layers"]
        if not isinstance(items, list) or not items:
            raise ValueError(f"{'/'.join(places) or 'the model'} has no layers")
        layers = []
        names: dict[str, int] = {}
        prefix = f"{at}/layers" if at else "layers"
        for item in items:
            kind = _snake_case(_text(item["class_name"]))
            is_layer = not str(item.get("module")).startswith(_OPERATIONS)
            number = names.get(kind, 0)
            names[kind] = number + is_layer
            place = f"{prefix}/{kind}_{number}" if number else f"{prefix}/{kind}"
            layers.append(self.layer(item, place, places))
        name = _text(config.get("name") or "model")
        if class_name == SEQUENTIAL:
            return Model(name, _chained(self.archive.path, layers, config, places))
        return Model(name, _called(self.archive.path, layers, items, config, places))


def _chained(
    path: Path, layers: list[KerasLayer], config: Mapping[str, Any], places: tuple[str, ...]
) -> tuple[Call, ...]:
    """The calls of a sequential model."""
    if layers[0].class_name != INPUT:
        shape = {"batch_shape": config.get("build_input_shape")}
        place = "/".join((*places, "input"))
        layers = [KerasLayer(path, INPUT, "input", place, shape), *layers]
    return tuple(Call(layer, (index - 1,) if index else ()) for index, layer in enumerate(layers))


def _called(
    path: Path,
    layers: list[KerasLayer],
    items: list[Any],
    config: Mapping[str, Any],
    places: tuple[str, ...],
) -> tuple[Call, ...]:
    """The calls of a functional model, those alone that its output needs."""
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
            others.append(_text(name))
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
    return _text(name), call


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is no name")
    return value


def _snake_case(name: str) -> str:
    """As Keras names a layer's arrays by its class."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
