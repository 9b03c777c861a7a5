"""Finds a MoViNet stream model in the graph of a .tflite file, going back from its logits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ai_edge_litert import schema_py_generated as schema

from movistream_converters.formats.tflite.graph import Operation, TracedGraph, UnlikeError
from movistream_converters.formats.tflite.layers import (
    FACTOR_TOLERANCE,
    Linear,
    activated,
    bare,
    both_ways,
    factors,
    gated,
    plain,
    sum_of,
    unlike,
    with_constant,
)
from movistream_converters.formats.tflite.position import is_encoding
from movistream_converters.networks.movinet import SqueezeExciteType

_SKIP_POOL_SIZE = 3


@dataclass(frozen=True)
class Gate:
    """Squeeze-excite.

    Attributes:
        feature: the tensor that it looks at and multiplies.
        position_scale: None without positional encoding.
        expand: its function is the gate's.
    """

    feature: int
    kind: SqueezeExciteType
    position_scale: float | None
    reduce: Linear
    expand: Linear


@dataclass(frozen=True)
class Block:
    """An inverted bottleneck.

    Attributes:
        entry: the tensor that it reads.
        temporal: None for a kernel of one frame.
        gate: None without squeeze-excite.
        scale: of the residual branch.
        skip: None where the input itself is added.
    """

    entry: int
    expansion: Linear
    feature: Linear
    temporal: Linear | None
    gate: Gate | None
    projection: Linear
    scale: float
    skip: Linear | None = None


@dataclass(frozen=True)
class FoundNetwork:
    """A MoViNet as a graph shows it.

    Attributes:
        image: the tensor that takes a frame.
    """

    stem: Linear
    blocks: tuple[Block, ...]
    project: Linear
    hidden: Linear
    classifier: Linear
    image: int


def find_network(graph: TracedGraph) -> FoundNetwork:
    """The stream model in a graph.

    Raises:
        UnlikeError: if it is none, or a base model.
    """
    outputs = [index for index in graph.outputs if len(graph.tensors[index].shape) == 2]
    if len(outputs) != 1:
        raise UnlikeError(
            f"{len(outputs)} of its outputs have the shape of logits, (1, classes). If movistream"
            " wrote it, it has lost its manifest"
        )
    classifier = plain(graph, outputs[0], "the classifier")
    hidden = activated(graph, classifier.source, "the classifier's hidden layer")
    mean = _running_mean(graph, hidden.source, "the head")
    project = activated(graph, _spatial_mean(graph, mean, "the head"), "the head")
    tensor, blocks = project.source, list[Block]()
    while (total := sum_of(graph, tensor)) is not None:
        blocks.append(_block(graph, total, f"block {len(blocks) + 1} from the end"))
        tensor = blocks[-1].entry
    stem = activated(graph, tensor, "the stem")
    image = graph.source(stem.source)
    shape = graph.tensors[image].shape
    if image not in graph.inputs or len(shape) < 4:
        raise unlike(graph, image, "the image")
    return FoundNetwork(stem, tuple(reversed(blocks)), project, hidden, classifier, image)


def _block(graph: TracedGraph, total: Operation, what: str) -> Block:
    failures: list[UnlikeError] = []
    for residual, skip in both_ways(total):
        try:
            return _with_skip(graph, _residual(graph, residual, what), skip, what)
        except UnlikeError as error:
            failures.append(error)
    # Model Garden's files name the residual branch first.
    raise failures[0]


def _residual(graph: TracedGraph, tensor: int, what: str) -> Block:
    """The branch that computes; it comes without the skip path."""
    scale = 1.0
    if (parts := with_constant(graph, bare(graph, tensor, "MUL"))) is not None:
        constant, rest = parts
        if (constant == constant.flat[0]).all():
            scale, tensor = float(constant.flat[0]), rest
    projection = plain(graph, tensor, f"the projection of {what}")
    gate = _gate(graph, projection.source, f"the gate of {what}")
    last = projection.source if gate is None else gate.feature
    deep = f"the depthwise convolution of {what}"
    feature, temporal = activated(graph, last, deep), None
    if (stack := bare(graph, feature.source, "CONCATENATION")) is not None:
        temporal = feature
        feature = activated(graph, _newest_frame(graph, stack, temporal, what), deep)
    if not feature.depthwise:
        raise unlike(graph, last, deep)
    expansion = activated(graph, feature.source, f"the expansion of {what}")
    entry = graph.source(expansion.source)
    return Block(entry, expansion, feature, temporal, gate, projection, scale)


def _with_skip(graph: TracedGraph, block: Block, tensor: int, what: str) -> Block:
    if graph.source(tensor) == block.entry:
        return block
    what = f"the skip path of {what}"
    skip, stride = plain(graph, tensor, what), 1
    source = graph.source(skip.source)
    if source != block.entry and (pool := bare(graph, source, "AVERAGE_POOL_2D")) is not None:
        options = pool.options or schema.Pool2DOptionsT()
        stride = options.strideH
        windows = (options.filterHeight, options.filterWidth, options.strideW, options.padding)
        if windows != (_SKIP_POOL_SIZE, _SKIP_POOL_SIZE, stride, schema.Padding.SAME):
            raise unlike(graph, source, f"a pool of 3 x 3 in {what}")
        source = graph.source(pool.inputs[0])
    if source != block.entry or stride * skip.stride != block.feature.stride:
        raise unlike(graph, source, f"{what}, of the stride of the depthwise convolution,")
    return replace(block, skip=skip)


def _newest_frame(graph: TracedGraph, stack: Operation, temporal: Linear, what: str) -> int:
    *past, newest = stack.inputs
    are_states = past and all(graph.source(tensor) in graph.inputs for tensor in past)
    # (1, frames, height, width, channels), and (1, frames, pixels, channels) for the kernel.
    stacked, laid = (graph.tensors[t].shape for t in (stack.output, temporal.source))
    frames = temporal.kernel.shape[0]
    is_temporal = temporal.depthwise and temporal.kernel.shape[1] == 1
    if not (are_states and is_temporal and stacked[1:2] == laid[1:2] == (frames,)):
        raise unlike(graph, stack.output, f"the stream buffer of {what}")
    return newest


def _gate(graph: TracedGraph, tensor: int, what: str) -> Gate | None:
    """None if a tensor is no product of a feature and its gate."""
    failures: list[UnlikeError] = []
    for side, feature in both_ways(bare(graph, tensor, "MUL")):
        if _pixels(graph, graph.source(side)) == 1:
            try:
                return _gate_of(graph, side, feature, what)
            except UnlikeError as error:
                failures.append(error)
    if failures:
        raise failures[0]
    return None


def _gate_of(graph: TracedGraph, side: int, feature: int, what: str) -> Gate:
    expand = gated(graph, side, what)
    reduce = activated(graph, expand.source, what)
    kind, position_scale, seen = _squeezed(graph, reduce.source, what)
    if graph.source(seen) != graph.source(feature):
        raise unlike(graph, seen, f"the feature in {what}")
    return Gate(feature, kind, position_scale, reduce, expand)


def _squeezed(
    graph: TracedGraph, tensor: int, what: str
) -> tuple[SqueezeExciteType, float | None, int]:
    """What a gate looks at: (over space or time, scale of its positional encoding, feature)."""
    position_scale = None
    if (total := sum_of(graph, tensor)) is not None:
        position_scale, tensor = _without_position(graph, total, what)
    pair = bare(graph, tensor, "CONCATENATION")
    if pair is not None and len(pair.inputs) == 2:
        over_time, over_space = pair.inputs
        mean = _running_mean(graph, over_time, what)
        if graph.source(mean) != graph.source(over_space):
            raise unlike(graph, over_space, f"the spatial mean of {what}")
        kind = SqueezeExciteType.BOTH
    elif bare(graph, tensor, "DIV") is not None:
        kind, mean = SqueezeExciteType.SPACE_TIME, _running_mean(graph, tensor, what)
    else:
        kind, mean = SqueezeExciteType.SPACE, tensor
    return kind, position_scale, _spatial_mean(graph, mean, what)


def _without_position(graph: TracedGraph, total: Operation, what: str) -> tuple[float, int]:
    """The scale of a positional encoding, and what it is added to."""
    for encoding, rest in both_ways(total):
        scale, tensors = factors(graph, encoding)
        if len(tensors) == 1 and is_encoding(graph, tensors[0]):
            return scale, rest
    raise unlike(graph, total.output, f"the positional encoding of {what}")


def _running_mean(graph: TracedGraph, tensor: int, what: str) -> int:
    """What a mean over all frames so far is taken of: its sum so far is a state."""
    quotient = bare(graph, tensor, "DIV")
    if quotient is not None and len(quotient.inputs) == 2:
        total, count = quotient.inputs
        for state, mean in both_ways(bare(graph, total, "ADD")):
            if graph.source(state) in graph.inputs and _counts_frames(graph, count):
                return mean
    error = unlike(graph, tensor, f"a mean over all frames so far, in {what},")
    raise UnlikeError(
        f"{error}. A base model, which looks at future frames, has none, and cannot run frame by"
        " frame; use the stream model"
    )


def _counts_frames(graph: TracedGraph, tensor: int) -> bool:
    """Whether a tensor is the number of frames so far: a state, and one."""
    while (cast := bare(graph, tensor, "CAST")) is not None:
        tensor = cast.inputs[0]
    parts = with_constant(graph, bare(graph, tensor, "ADD"))
    return parts is not None and (parts[0] == 1).all() and graph.source(parts[1]) in graph.inputs


def _spatial_mean(graph: TracedGraph, tensor: int, what: str) -> int:
    """What a mean over height and width is taken of; one pixel is its own mean."""
    factor, tensors = factors(graph, tensor)
    mean = bare(graph, tensors[0], "MEAN", "SUM") if len(tensors) == 1 else None
    if mean is None and _pixels(graph, tensor) == 1:
        return tensor
    if mean is not None and _pixels(graph, mean.output) == 1 and _keeps_channels(graph, mean):
        pixels = _pixels(graph, mean.inputs[0])
        divisor = 1.0 if mean.name == "MEAN" else 1 / max(pixels, 1)
        if math.isclose(factor, divisor, rel_tol=FACTOR_TOLERANCE):
            return mean.inputs[0]
    raise unlike(graph, tensor, f"a mean over height and width, in {what},")


def _keeps_channels(graph: TracedGraph, origin: Operation) -> bool:
    return graph.channels(origin.inputs[0]) == graph.channels(origin.output)


def _pixels(graph: TracedGraph, tensor: int) -> int:
    return math.prod(graph.tensors[tensor].shape[:-1])
