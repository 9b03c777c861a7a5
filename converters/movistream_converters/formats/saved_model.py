"""SavedModels of MoViNet stream models, as TensorFlow Model Garden exports them.

Their variables are numbered; the graph of objects beside them says which attribute holds which. The
graph of operators shows what shapes of weights cannot: activations and the size of the image. Both
are read as data: no function of a SavedModel is run.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow.core.protobuf import saved_model_pb2, trackable_object_graph_pb2

from movistream_converters.errors import ConversionError
from movistream_converters.formats.limits import check_file
from movistream_converters.formats.model_garden.arrays import read_network, shapes_of
from movistream_converters.formats.model_garden.variables import (
    READ_ERRORS,
    Variables,
    movinet_arrays,
    open_variables,
)
from movistream_converters.formats.recognition import evidence_of_shapes
from movistream_converters.formats.source import Source
from movistream_converters.formats.tensorflow_paths import SAVED_MODEL_FILE, saved_model_folder
from movistream_converters.ir.layers import ActivationFunction

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"
_LISTS = re.compile(r"layer-\d+$|layers$|.*variables$|keras_api$|signatures$|_self_")
"""Keras' other ways to the same objects; checkpoints name them by attributes instead."""
_STATE = re.compile(r"(?:^|_)state_.*(?:buffer|frame_count)")
_PLACES = {
    "activation": re.compile(r"^.*?(?:^|/)stem/"),
    "gating": re.compile(r"^.*/se_expand/"),
    "head_activation": re.compile(r"^.*?(?:^|/)classifier_head/head/"),
}
"""Where in the names of operators an option shows."""
_TRUNKS = {
    frozenset({"AddV2", "Relu6"}): ActivationFunction.HARD_SWISH,
    frozenset({"Sigmoid"}): ActivationFunction.SWISH,
    frozenset({"Relu6"}): ActivationFunction.RELU6,
    frozenset({"Relu"}): ActivationFunction.RELU,
}
_GATES = {
    frozenset({"AddV2", "Relu6"}): ActivationFunction.HARD_SIGMOID,
    frozenset({"AddV2", "Minimum", "Maximum"}): ActivationFunction.HARD_SIGMOID_KERAS,
    frozenset({"AddV2", "ClipByValue"}): ActivationFunction.HARD_SIGMOID_KERAS,
    frozenset({"Sigmoid"}): ActivationFunction.SIGMOID,
}
_TELLING = frozenset().union(*_TRUNKS, *_GATES)


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a SavedModel and recognises its network.

    Args:
        path: its folder, or the ``saved_model.pb`` in it.
        architecture: such as ``movinet-a0-stream``; by default recognised from the shapes.
        overrides: fields of :class:`.MovinetOptions` that the user has set.

    Raises:
        ConversionError: if it is damaged, it is not a MoViNet stream model, or it does not fit
            the architecture or the overrides.
    """
    folder = saved_model_folder(path)
    graph = _meta_graph(folder)
    stored = open_variables(path, str(folder / "variables/variables"))
    arrays, unused = movinet_arrays(path, _by_attribute_path(path, stored))
    _require_states(path, graph)
    evidence = replace(
        evidence_of_shapes(shapes_of(arrays)), where="the SavedModel", shown=_shown_options(graph)
    )
    return read_network(path, arrays, unused, evidence, architecture, overrides)


def _meta_graph(folder: Path) -> Any:
    model = saved_model_pb2.SavedModel()
    try:
        check_file(folder / SAVED_MODEL_FILE)
        model.ParseFromString((folder / SAVED_MODEL_FILE).read_bytes())
    except (DecodeError, OSError) as error:
        raise ConversionError(f"{folder / SAVED_MODEL_FILE} cannot be read: {error}") from None
    if not model.meta_graphs:
        raise ConversionError(f"{folder / SAVED_MODEL_FILE} is empty or damaged: it holds no graph")
    return model.meta_graphs[0]


def _by_attribute_path(path: Path, variables: Variables) -> Variables:
    """The same with keys by the attributes that lead to each variable, shortest way first."""
    objects = trackable_object_graph_pb2.TrackableObjectGraph()
    try:
        objects.ParseFromString(variables.reader.get_tensor(_OBJECT_GRAPH))
    except (DecodeError, *READ_ERRORS):
        raise ConversionError(f"{path} does not say which of its variables is which") from None
    count = len(objects.nodes)
    keys: dict[str, str] = {}
    seen = {0}
    waiting = deque([(0, "")] if count else [])
    while waiting:
        index, name = waiting.popleft()
        node = objects.nodes[index]
        for attribute in node.attributes:
            if attribute.name == _VALUE and attribute.checkpoint_key in variables.shapes:
                keys[name] = attribute.checkpoint_key
        for child in node.children:
            listed = _LISTS.match(child.local_name) is not None
            if not listed and child.node_id not in seen and 0 <= child.node_id < count:
                seen.add(child.node_id)
                waiting.append((child.node_id, f"{name}/{child.local_name}".lstrip("/")))
    return replace(variables, keys=keys)


def _require_states(path: Path, graph: Any) -> None:
    for signature in graph.signature_def.values():
        if any(_STATE.search(name) for name in signature.inputs):
            return
    raise ConversionError(
        f"{path} takes no states: it was exported without them, as a base model is, which looks at"
        " future frames and cannot run frame by frame. Export the stream model with"
        " --causal=True, or name its checkpoint"
    )


def _shown_options(graph: Any) -> dict[str, object]:
    """What the operators show; an option that they leave open is not there."""
    operators: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for node in _nodes(graph):
        if "/bn/" in node.name:
            continue  # Batch norm in training has such operators too.
        for option, place in _PLACES.items():
            if node.op in _TELLING and (match := place.match(node.name)) is not None:
                operators[option][match[0]].add(node.op)
    shown: dict[str, object] = {}
    for option, places in operators.items():
        known = _GATES if option == "gating" else _TRUNKS
        functions = {known.get(frozenset(found)) for found in places.values()}
        if len(functions) == 1 and (function := functions.pop()) is not None:
            shown[option] = function
    if (size := _image_size(graph)) is not None:
        shown["image_size"] = size
    return shown


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.graph_def.node
    for function in graph.graph_def.library.function:
        yield from function.node_def


def _image_size(graph: Any) -> int | None:
    for signature in graph.signature_def.values():
        if "image" in signature.inputs:
            sizes = [dimension.size for dimension in signature.inputs["image"].tensor_shape.dim]
            if len(sizes) == 5 and sizes[2] == sizes[3] > 1:
                return int(sizes[2])
    return None
