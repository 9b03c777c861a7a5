"""Makes a stream of a network that sees whole clips, as continual networks do.

Source: Continual Inference Networks, arXiv 2106.00050 (CoX3D), and its authors' library
continual-inference (Apache-2.0). A kernel that is centred on a frame sees frames behind it; in a
stream it answers when those are there, some frames late. What is to meet its answer waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from movistream_converters.ir.layers import Convolution, Delay, TemporalMean, WindowMean
from movistream_converters.ir.network import Network, NetworkError, Node
from movistream_converters.ir.tags import SQUEEZE_EXCITE


def as_stream(network: Network, window_frames: int | None = None) -> Network:
    """The stream of a network that sees clips. It has the same weights.

    A convolution over k frames, d apart, becomes a causal one, and adds (k − 1) / 2 · d frames of
    delay. Where values of different delays meet, the earlier one gets a :class:`.Delay`. States
    begin with the first frame of the video, so that what kernels see before it are zeros, as at
    the start of a clip. At the end of a video, nothing is padded: its last frames are not answered.

    Means over the clip inside gates (nodes tagged :data:`.tags.SQUEEZE_EXCITE`) become those of
    each frame. All others become means over the frames so far, or over a window.

    Args:
        network: one that is not causal.
        window_frames: of the means outside gates; by default they are over all frames so far.

    Returns:
        A causal network; its ``delay_frames`` is the delay of its logits.

    Raises:
        NetworkError: if it is a stream already, a kernel over time has no middle or sees what a
            mean has left of the clip, or there is no mean for the window.
    """
    if network.causal:
        raise NetworkError(f"{network.name} is a stream already")
    if window_frames is not None and window_frames < 1:
        raise NetworkError(f"a window of {window_frames} frames is impossible")
    streaming = _Streaming(window_frames, {node.name for node in network.nodes})
    for node in network.nodes:
        streaming.take(node)
    if window_frames is not None and not any(
        isinstance(node.layer, WindowMean) for node in streaming.nodes
    ):
        raise NetworkError(f"{network.name} has no mean over the clip, so a window has no place")
    last = streaming.values[network.nodes[-1].name]
    # A mean that is dropped leaves what nobody reads behind the logits, if anything.
    end = [node.name for node in streaming.nodes].index(last.node) + 1
    return replace(
        network,
        nodes=tuple(streaming.nodes[:end]),
        causal=True,
        delay_frames=last.delay_frames,
    )


@dataclass(frozen=True)
class _Value:
    """What became of a node's output.

    Attributes:
        node: that gives it now.
        delay_frames: that it lags behind the image.
        of_clip: it was one of a clip, and not of a frame.
    """

    node: str
    delay_frames: int = 0
    of_clip: bool = False


@dataclass
class _Streaming:
    """The stream as far as it is made.

    Attributes:
        names: of nodes, those to come included.
        values: by the names of the clip's nodes.
        delays: nodes that were added, by what they delay and by how much.
    """

    window_frames: int | None
    names: set[str]
    nodes: list[Node] = field(default_factory=list)
    values: dict[str, _Value] = field(default_factory=dict)
    delays: dict[tuple[str, int], str] = field(default_factory=dict)

    def take(self, node: Node) -> None:
        """Adds the next node of the clip's network."""
        inputs = [self.values[name] for name in node.inputs]
        before = max((value.delay_frames for value in inputs), default=0)
        of_clip = bool(inputs) and all(value.of_clip for value in inputs)
        layer, delay = node.layer, before
        match layer:
            case TemporalMean() if of_clip or SQUEEZE_EXCITE in node.tags:
                # The mean of one value is that value.
                self.values[node.name] = inputs[0]
                return
            case TemporalMean():
                of_clip = True
                if self.window_frames is not None:
                    layer = WindowMean(self.window_frames)
            case Convolution() if layer.past_frames:
                delay += _delay_of(node, layer, of_clip=of_clip)
        names = tuple(self._delayed(value, before, node) for value in inputs)
        self.nodes.append(replace(node, layer=layer, inputs=names, delay_frames=before))
        self.values[node.name] = _Value(node.name, delay, of_clip)

    def _delayed(self, value: _Value, delay_frames: int, reader: Node) -> str:
        """The node that gives a value as late as that."""
        frames = delay_frames - value.delay_frames
        if not frames:
            return value.node
        key = value.node, frames
        if key not in self.delays:
            name = f"{value.node}.delayed_{frames}"
            while name in self.names:
                name += "_"
            self.names.add(name)
            delay = Node(name, Delay(frames), (value.node,), "", reader.tags, value.delay_frames)
            self.nodes.append(delay)
            self.delays[key] = name
        return self.delays[key]


def _delay_of(node: Node, layer: Convolution, *, of_clip: bool) -> int:
    if of_clip:
        raise NetworkError(
            f"{node.name} sees {layer.kernel[0]} frames of what a mean has left of the clip, so it"
            " has no place in a stream"
        )
    if layer.kernel[0] % 2 == 0:
        raise NetworkError(
            f"{node.name} sees {layer.kernel[0]} frames; only a kernel of an odd number of them has"
            " a middle, which tells how late its answer is"
        )
    return layer.past_frames // 2
