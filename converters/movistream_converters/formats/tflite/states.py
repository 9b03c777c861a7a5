"""Checks that a .tflite file carries its states from step to step as a MoViNet does.

The way from the logits to the image shows where states go in, not what comes out. A file that keeps
something else would compute the first frame right, and others not.
"""

from __future__ import annotations

from collections.abc import Mapping

from movistream.file.graph import Tensor
from movistream_converters.formats.tflite.graph import Operation, TracedGraph, UnlikeError
from movistream_converters.formats.tflite.layers import with_constant
from movistream_converters.formats.tflite.slices import index_of, takes

_BUFFER_AXIS = 1


def check_states(
    graph: TracedGraph, image: int, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]
) -> None:
    """Refuses a graph whose states do not come out as what they become.

    Args:
        image: the input that is no state.
        inputs: of the graph's signature, by name; empty without one.
        outputs: of the same; what comes in as NAME comes out as NAME.

    Raises:
        UnlikeError: if a state is read in several places, or something else comes out in its place.
    """
    readers = _readers(graph)
    names = {tensor.index: name for name, tensor in inputs.items()}
    for state in graph.inputs:
        if state == image:
            continue
        name = names.get(state, graph.tensors[state].name)
        candidates = (outputs[name].index,) if name in outputs else graph.outputs
        following = _following(graph, state, readers, name)
        if following not in {_whole(graph, output) for output in candidates}:
            raise UnlikeError(f"what comes out as the state {name!r} is not what it becomes")


def _readers(graph: TracedGraph) -> dict[int, list[Operation]]:
    """The operators that compute with each tensor."""
    readers: dict[int, list[Operation]] = {}
    for origin in graph.origins.values():
        if graph.source(origin.output) == origin.output:
            for tensor in {graph.source(tensor) for tensor in origin.inputs}:
                readers.setdefault(tensor, []).append(origin)
    return readers


def _following(
    graph: TracedGraph, state: int, readers: Mapping[int, list[Operation]], name: str
) -> int:
    """The tensor that holds what a state becomes; the state itself if nothing reads it."""
    reading = readers.get(state, [])
    if not reading:
        return state
    joins = [origin for origin in reading if origin.name in ("ADD", "CONCATENATION")]
    is_count = graph.tensors[state].dtype.startswith("int") and len(graph.tensors[state].shape) == 1
    # A count of frames may be an encoding's position besides.
    if len(joins) != 1 or (len(reading) > 1 and not is_count):
        raise UnlikeError(f"the state {name!r} is read in {len(reading)} places")
    (join,) = joins
    if is_count:
        parts = with_constant(graph, join)
        if parts is None or (parts[0] != 1).any():
            raise UnlikeError(f"the state {name!r} does not count frames")
    if join.name == "ADD":
        return join.output
    shape = graph.tensors[join.output].shape
    for origin in readers.get(join.output, []):
        index = index_of(graph, origin)
        if index is not None and takes(index, shape, skipped=(_BUFFER_AXIS, 1)):
            return origin.output
    raise UnlikeError(f"the state {name!r} does not keep the newest frames")


def _whole(graph: TracedGraph, tensor: int) -> int:
    """The first tensor with the same values, behind slices that take everything too."""
    while True:
        tensor = graph.source(tensor)
        origin = graph.origins.get(tensor)
        index = None if origin is None else index_of(graph, origin)
        if origin is None or index is None:
            return tensor
        if not takes(index, graph.tensors[origin.inputs[0]].shape):
            return tensor
        tensor = origin.inputs[0]
