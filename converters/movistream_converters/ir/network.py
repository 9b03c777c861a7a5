"""A streaming video network as data: layers, nodes, and what follows from them.

A :class:`Network` is a tuple of named nodes in execution order. Each node holds one layer of the
vocabulary (:mod:`.layers`) and the names of the nodes that it reads. Nothing here computes on
pixels: :mod:`.reference.execution` executes a network, :mod:`.tflite.lowering` compiles it,
:mod:`.cost` prices it.

Activations are described per frame as (height, width, channels); time is implicit. In a causal
network a temporal kernel sees the present frame and the ones before it, and a mean over time is
cumulative (arXiv 2103.11511, section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from movistream.system.text import has_control_characters, printable
from movistream_converters.ir.layers import (
    RULES,
    AnyLayer,
    Convolution,
    Delay,
    Image,
    LayerError,
    LayerState,
    Previous,
    Shape,
    TemporalMean,
    WindowMean,
)

_MOST_NODES = 4096
_LONGEST_NAME = 200
_MOST_TAGS = 8
_LARGEST_SIZE = 4096
"""Of images and frames, in pixels."""
_LARGEST_NUMBER = 2**16
"""Of channels, frames, taps and the like."""
_LARGEST_REAL = 1e6
"""Of epsilons, slopes, means and the like."""
_ONLY_CAUSAL = (WindowMean, Delay, Previous)


_Shaped: TypeAlias = "tuple[Node, tuple[Shape, ...], Shape]"
"""A node, the shapes of its inputs, and that of its output."""


class NetworkError(ValueError):
    """Nodes that make no network; names the first that does not fit."""


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One layer in its place.

    Attributes:
        name: unique in its network; its weights are called ``NAME.WEIGHT``.
        inputs: names of the nodes that it reads; all but those of :class:`.Previous` come earlier.
        state: what its state is called in files; by default as the node.
        tags: what rules of precision go by, such as ``squeeze-excite``.
        delay_frames: by so many frames, what it reads lags behind the image. Until so many have
            been seen, that is of no frame of the video, and its state stays as after a reset.
    """

    name: str
    layer: AnyLayer
    inputs: tuple[str, ...] = ()
    state: str = ""
    tags: tuple[str, ...] = ()
    delay_frames: int = 0


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Nodes in execution order; the first is the image, the last gives the logits.

    Attributes:
        name: for people, such as ``movinet-a0-stream``.
        nodes: as they run.
        image_size: (height, width) of the input in pixels.
        causal: True for a stream model, False for one that sees whole clips.
        delay_frames: the logits after a frame are about the one that was so many frames before.
    """

    name: str
    nodes: tuple[Node, ...]
    image_size: tuple[int, int]
    causal: bool = True
    delay_frames: int = 0

    def __post_init__(self) -> None:
        _check(self)


def node_shapes(network: Network) -> dict[str, Shape]:
    """(height, width, channels) of every node's output frame, by node name."""
    return {node.name: shape for node, _, shape in _shaped(network.nodes, network.image_size)}


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights by canonical name, ``NODE.WEIGHT``, in execution order."""
    return {
        f"{node.name}.{weight}": shape
        for node, inputs, _ in _shaped(network.nodes, network.image_size)
        for weight, shape in RULES[type(node.layer)].weights(node.layer, inputs).items()
    }


def layer_states(network: Network) -> Iterator[tuple[Node, LayerState]]:
    """What each node remembers, in execution order."""
    return _states(_shaped(network.nodes, network.image_size))


def _states(shaped: Iterable[_Shaped]) -> Iterator[tuple[Node, LayerState]]:
    for node, inputs, _ in shaped:
        if (state := RULES[type(node.layer)].state(node.layer, inputs)) is not None:
            yield node, state


def multiply_adds(network: Network) -> dict[str, int]:
    """Of each node, for one frame."""
    return {
        node.name: RULES[type(node.layer)].multiply_adds(node.layer, inputs, shape)
        for node, inputs, shape in _shaped(network.nodes, network.image_size)
    }


def classes_of(network: Network) -> int:
    """How many logits it gives."""
    return node_shapes(network)[network.nodes[-1].name][2]


def image_of(network: Network) -> Image:
    """The layer that takes the image."""
    layer = network.nodes[0].layer
    assert isinstance(layer, Image)
    return layer


def consumers(network: Network) -> dict[str, tuple[Node, ...]]:
    """The nodes that read each node's output."""
    readers: dict[str, list[Node]] = {node.name: [] for node in network.nodes}
    for node in network.nodes:
        for name in node.inputs:
            readers[name].append(node)
    return {name: tuple(nodes) for name, nodes in readers.items()}


def temporal_convolutions(network: Network) -> Iterator[tuple[Node, int]]:
    """Convolutions over more than one frame, with the number of past frames that each keeps."""
    for node in network.nodes:
        if isinstance(node.layer, Convolution) and node.layer.past_frames:
            yield node, node.layer.past_frames


def receptive_field_frames(network: Network) -> int:
    """Frames that kernels, windows and delays see behind one output, the present one included.

    Running means and recurrent values see all frames since the reset; they are not counted.
    """
    seen: dict[str, int] = {}
    for node in network.nodes:
        before = max((seen.get(name, 0) for name in node.inputs), default=0)
        seen[node.name] = before + RULES[type(node.layer)].past_frames(node.layer)
    return 1 + seen[network.nodes[-1].name]


def warm_up_frames(network: Network) -> int:
    """Frames at the start of a stream whose logits mean nothing yet: what a network with a delay
    says before it has seen as much as it speaks of."""
    windows = (n.layer.frames - 1 for n in network.nodes if isinstance(n.layer, WindowMean))
    return network.delay_frames + max(windows, default=0) if network.delay_frames else 0


def with_horizon(network: Network, horizon_frames: int | None) -> Network:
    """The same network, all of whose running means forget after so many frames, or never."""
    mean = TemporalMean(horizon_frames)
    nodes = (
        msgspec.structs.replace(node, layer=mean) if isinstance(node.layer, TemporalMean) else node
        for node in network.nodes
    )
    return msgspec.structs.replace(network, nodes=tuple(nodes))


def horizon_of(network: Network) -> int | None:
    """After how many frames the network's running means forget; None: never, or it has none."""
    return next(iter(_horizons(network)), None)


def _horizons(network: Network) -> set[int | None]:
    layers = (node.layer for node in network.nodes)
    return {layer.horizon_frames for layer in layers if isinstance(layer, TemporalMean)}


def _shaped(nodes: tuple[Node, ...], image_size: tuple[int, int]) -> Iterator[_Shaped]:
    """The nodes with their shapes, in execution order.

    Raises:
        NetworkError: if a layer does not fit its inputs.
    """
    shapes: dict[str, Shape] = {}
    for node in nodes:
        layer = node.layer
        if isinstance(layer, Image):
            inputs: tuple[Shape, ...] = ((*image_size, layer.channels),)
        else:
            # What a recurrent value will be is checked when it is known.
            inputs = tuple(shapes.get(name, (1, 1, 1)) for name in node.inputs)
        try:
            shape = shapes[node.name] = RULES[type(layer)].shape(layer, inputs)
        except LayerError as error:
            raise NetworkError(f"{printable(node.name)} cannot be: {error}") from None
        yield node, inputs, shape


def _check(network: Network) -> None:
    nodes = network.nodes
    _check_bounds(network)
    names: set[str] = set()
    all_names = {node.name for node in nodes}
    for index, node in enumerate(nodes):
        where = printable(node.name)
        if isinstance(node.layer, Image) != (index == 0):
            raise NetworkError(f"{where} is not in its place: the image is the first node")
        if node.delay_frames and not network.causal:
            raise NetworkError(f"{where} reads with a delay, in a network that sees whole clips")
        if isinstance(node.layer, _ONLY_CAUSAL) and not network.causal:
            raise NetworkError(f"{where} looks back only, in a network that sees whole clips")
        if node.name in names:
            raise NetworkError(f"two nodes are named {where}")
        known = all_names if isinstance(node.layer, Previous) else names
        if missing := [name for name in node.inputs if name not in known]:
            listed = ", ".join(map(printable, missing))
            raise NetworkError(f"{where} reads {listed} before it is computed")
        names.add(node.name)
        least, most = RULES[type(node.layer)].inputs
        if not least <= len(node.inputs) <= most:
            raise NetworkError(f"{where} has {len(node.inputs)} inputs, not {least} to {most}")
    shaped = list(_shaped(nodes, network.image_size))
    _check_shapes(network, {node.name: shape for node, _, shape in shaped})
    _check_states(network, shaped)


def _check_bounds(network: Network) -> None:
    """Checks numbers that may come from a stranger, before anything is computed with them."""
    if not 2 <= len(network.nodes) <= _MOST_NODES:
        raise NetworkError(f"a network of {len(network.nodes)} nodes is none")
    if not all(1 <= size <= _LARGEST_SIZE for size in network.image_size):
        raise NetworkError(f"an image of {list(network.image_size)} pixels is impossible")
    for delay in (network.delay_frames, *(node.delay_frames for node in network.nodes)):
        if not 0 <= delay <= _LARGEST_NUMBER:
            raise NetworkError(f"a delay of {delay} frames is impossible")
    _check_name(network.name, "a network")
    for node in network.nodes:
        _check_name(node.name, "a node")
        for text in (node.state or node.name, *node.tags):
            _check_name(text, printable(node.name))
        if len(node.tags) > _MOST_TAGS:
            raise NetworkError(f"{printable(node.name)} has {len(node.tags)} tags")
        for field, value in msgspec.structs.asdict(node.layer).items():
            _check_numbers(node, field, value)


def _check_name(name: str, whose: str) -> None:
    if not 0 < len(name) <= _LONGEST_NAME or has_control_characters(name) or "/" in name:
        raise NetworkError(f"{whose} has a name that is empty, too long or no text: {name[:40]!r}")


_MAY_BE_ZERO = frozenset({"start", "padding"})
_NEVER_NEGATIVE = frozenset({"epsilon"})


def _check_numbers(node: Node, field: str, value: object) -> None:
    if isinstance(value, tuple):
        for each in value:
            _check_numbers(node, field, each)
    elif isinstance(value, bool | str) or value is None:
        return
    elif isinstance(value, int):
        if not (field not in _MAY_BE_ZERO) <= value <= _LARGEST_NUMBER:
            raise NetworkError(f"{printable(node.name)} cannot be: it has {value} as {field}")
    elif isinstance(value, float):
        least = 0.0 if field in _NEVER_NEGATIVE else -_LARGEST_REAL
        if not least <= value <= _LARGEST_REAL:
            raise NetworkError(f"{printable(node.name)} cannot be: it has {value} as {field}")


def _check_shapes(network: Network, shapes: Mapping[str, Shape]) -> None:
    for node in network.nodes:
        if max(shapes[node.name]) > _LARGEST_NUMBER:
            raise NetworkError(f"{printable(node.name)} gives {list(shapes[node.name])} numbers")
        if isinstance(node.layer, Previous) and shapes[node.inputs[0]] != node.layer.shape:
            raise NetworkError(
                f"{printable(node.name)} should be {list(node.layer.shape)}, and"
                f" {printable(node.inputs[0])} gives {list(shapes[node.inputs[0]])}"
            )
    if len(horizons := _horizons(network)) > 1:
        listed = ", ".join(sorted(map(str, horizons)))
        raise NetworkError(f"running means forget after different numbers of frames: {listed}")
    last = network.nodes[-1].name
    if shapes[last][:2] != (1, 1):
        raise NetworkError(f"{printable(last)} gives {list(shapes[last])}, which are no logits")


def _check_states(network: Network, shaped: Sequence[_Shaped]) -> None:
    if len(_horizons(network)) > 1:
        raise NetworkError(
            f"the running means of {printable(network.name)} forget after different numbers of"
            " frames, and a stream has one clock"
        )
    taken: dict[tuple[str, str], str] = {}
    for node, state in _states(shaped):
        name = node.state or node.name
        other = taken.setdefault((state.role, name), node.name)
        if other != node.name:
            raise NetworkError(
                f"the states of {printable(other)} and {printable(node.name)} have one name,"
                f" {printable(name)}"
            )
