"""Writes one of this project's float32 files as a step for other engines, with frames and answers.

    python -m engines.export MODEL.tflite FOLDER --video VIDEO --calibrate VIDEOS

The folder gets the step (see :mod:`engines.step`); ``frames.npy``, uint8 (frames, height, width, 3)
of the video; ``images.npy``, what the network sees of them; ``logits.npy``, what the reference says
to them from a reset on; and ``calibration.npy``, images of the other videos. The
calibration's ranges are of all their frames.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

from engines.step import Operator, State, Step, write_step
from movistream_converters.formats.registry import read_source
from movistream_converters.ir.layers import (
    Activation,
    Add,
    Concatenate,
    Convolution,
    Delay,
    Dense,
    Image,
    Layer,
    Multiply,
    Pool,
    Shape,
    Slice,
    SpatialMean,
    TemporalMean,
    padding_amounts,
    seen_range,
)
from movistream_converters.ir.network import Network, Node, image_of, node_shapes
from movistream_converters.ir.passes import fold
from movistream_converters.ir.weights import Weights
from movistream_converters.quantise.observation import observe
from movistream_converters.quantise.videos import image_input, read_clips, read_frames, videos_at
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.images import seen

FRAMES = 24
CALIBRATION_FRAMES = 48
FRAME_WEIGHT = "frame_weight"


class _Writer:
    """Operators and states, node by node."""

    def __init__(self, network: Network, weights: Weights) -> None:
        self.network, self.weights = network, weights
        self.frames = node_shapes(network)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.operators: list[Operator] = []
        self.states: list[State] = []
        self.own: dict[str, np.ndarray] = {}

    def write(self) -> None:
        """All nodes."""
        for node in self.network.nodes:
            self.shapes[node.name] = _shape(self.frames[node.name])
            try:
                rule = _RULES[type(node.layer)]
            except KeyError:
                raise click.ClickException(
                    f"{self.network.name}: {node.name} is a {type(node.layer).__name__}, which is"
                    " not written for other engines"
                ) from None
            rule(self, node)

    def emit(self, kind: str, node: Node, inputs: tuple[str, ...] = (), **options: object) -> None:
        """Adds an operator of a node."""
        self.operators.append(Operator(kind, node.name, inputs or node.inputs, options))  # type: ignore[arg-type]

    def remember(self, source: str, count: int, name: str) -> tuple[str, ...]:
        """The inputs of a state of so many frames, which a tensor becomes."""
        inputs = tuple(f"{name}.past_{age}" for age in range(count, 0, -1))
        self.states.append(State(inputs, source))
        self.shapes.update(dict.fromkeys(inputs, self.shapes[source]))
        return inputs


def _shape(frame: Shape) -> tuple[int, ...]:
    height, width, channels = frame
    return (channels,) if (height, width) == (1, 1) else (channels, height, width)


def _image(_: _Writer, __: Node) -> None:
    """It is an input."""


def _convolution(writer: _Writer, node: Node) -> None:
    layer = node.layer
    assert isinstance(layer, Convolution)
    source = node.inputs[0]
    kernel = writer.weights[f"{node.name}.kernel"]
    zeros = np.zeros(layer.filters, np.float32)
    writer.own[f"{node.name}.bias"] = writer.weights.get(f"{node.name}.bias", zeros)
    if layer.past_frames:
        if layer.kernel[1:] != (1, 1) or not layer.depthwise or layer.dilation[0] != 1:
            raise click.ClickException(f"{node.name} is no depthwise kernel over frames alone")
        writer.own[f"{node.name}.kernel"] = kernel[:, 0, 0]
        past = writer.remember(source, layer.past_frames, node.name)
        writer.emit("temporal", node, (*past, source))
        return
    if layer.depthwise:
        kernel = np.moveaxis(kernel[0], 2, 0)[:, None]
    else:
        kernel = kernel[0].transpose(3, 2, 0, 1)
    if len(writer.shapes[source]) == 1:
        writer.own[f"{node.name}.kernel"] = kernel[..., 0, 0]
        writer.emit("dense", node)
        return
    writer.own[f"{node.name}.kernel"] = kernel
    size = writer.frames[source][:2]
    writer.emit(
        "convolution",
        node,
        stride=layer.stride,
        pads=padding_amounts(layer.padding, size, layer.kernel[1:], layer.stride),
        groups=layer.filters if layer.depthwise else layer.groups,
    )


def _dense(writer: _Writer, node: Node) -> None:
    assert isinstance(node.layer, Dense)
    if len(writer.shapes[node.inputs[0]]) != 1:
        raise click.ClickException(f"{node.name} reads a frame")
    kernel = writer.weights[f"{node.name}.kernel"]
    zeros = np.zeros(node.layer.units, np.float32)
    writer.own[f"{node.name}.kernel"] = kernel.reshape(-1, node.layer.units).T
    writer.own[f"{node.name}.bias"] = writer.weights.get(f"{node.name}.bias", zeros)
    writer.emit("dense", node)


def _activation(writer: _Writer, node: Node) -> None:
    assert isinstance(node.layer, Activation)
    writer.emit("activation", node, function=node.layer.function.value)


def _pool(writer: _Writer, node: Node) -> None:
    layer = node.layer
    assert isinstance(layer, Pool)
    if layer.kind != "average" or layer.counts_padding:
        raise click.ClickException(f"{node.name} is no mean of what is inside the frame")
    size = writer.frames[node.inputs[0]][:2]
    pads = padding_amounts(layer.padding, size, layer.size, layer.stride)
    writer.emit("average_pool", node, size=layer.size, stride=layer.stride, pads=pads)


def _temporal_mean(writer: _Writer, node: Node) -> None:
    (before,) = writer.remember(node.name, 1, node.name)
    writer.emit("running_mean", node, (node.inputs[0], before))


def _delay(writer: _Writer, node: Node) -> None:
    """What was one frame ago, or more: the oldest input of a state."""
    layer = node.layer
    assert isinstance(layer, Delay)
    later = (f"{node.name}.past_{age}" for age in range(layer.frames - 1, 0, -1))
    inputs = (node.name, *later)
    writer.states.append(State(inputs, node.inputs[0]))
    writer.shapes.update(dict.fromkeys(inputs, writer.shapes[node.inputs[0]]))


def _slice(writer: _Writer, node: Node) -> None:
    assert isinstance(node.layer, Slice)
    writer.emit("slice", node, start=node.layer.start, end=node.layer.stop)


def _plain(kind: str) -> Callable[[_Writer, Node], None]:
    return lambda writer, node: writer.emit(kind, node)


_RULES: dict[type[Layer], Callable[[_Writer, Node], None]] = {
    Image: _image,
    Convolution: _convolution,
    Activation: _activation,
    Pool: _pool,
    SpatialMean: _plain("spatial_mean"),
    TemporalMean: _temporal_mean,
    Add: _plain("add"),
    Multiply: _plain("multiply"),
    Concatenate: _plain("concatenate"),
    Delay: _delay,
    Dense: _dense,
    Slice: _slice,
}


def step_of(
    network: Network, weights: Weights, ranges: dict[str, tuple[float, float]] | None = None
) -> Step:
    """The step of a folded network.

    Args:
        ranges: of nodes.

    Raises:
        ClickException: if it has layers that other engines are not given.
    """
    writer = _Writer(network, weights)
    writer.write()
    counts = any(operator.kind == "running_mean" for operator in writer.operators)
    known = dict(ranges or {})
    for state in writer.states:
        if state.output in known:
            known.update(dict.fromkeys(state.inputs, known[state.output]))
    return Step(
        image=network.nodes[0].name,
        frame_weight=FRAME_WEIGHT if counts else "",
        operators=tuple(writer.operators),
        states=tuple(writer.states),
        shapes=writer.shapes | ({FRAME_WEIGHT: (1,)} if counts else {}),
        ranges=known,
        weights={name: np.ascontiguousarray(value) for name, value in writer.own.items()},
    )


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--video", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--calibrate", type=click.Path(exists=True, path_type=Path), required=True)
def main(model: Path, folder: Path, video: Path, calibrate: Path) -> None:
    """Write MODEL, a float32 file of this project, into FOLDER for other engines."""
    source = read_source(model)
    network, weights = fold(source.network, source.weights)
    image = image_input(network, source.frames_per_second)
    videos = videos_at(calibrate)
    observed = observe(network, weights, (read_frames(each, image) for each in videos))
    ranges = {name: (each.low, each.high) for name, each in observed.items()}
    ranges[network.nodes[0].name] = seen_range(image_of(network))
    folder.mkdir(parents=True, exist_ok=True)
    write_step(step_of(network, weights, ranges), folder)
    (clip,) = read_clips((video,), image, FRAMES, least_frames=FRAMES)
    images = np.asarray(seen(clip.frames, image_of(network)))
    logits, _ = run_clip(network, weights, images[None])
    np.save(folder / "frames.npy", clip.frames)
    np.save(folder / "images.npy", images)
    np.save(folder / "logits.npy", np.asarray(logits)[0])
    calibration = read_clips(videos, image, CALIBRATION_FRAMES)
    frames = np.stack([each.frames[:8] for each in calibration])
    np.save(folder / "calibration.npy", np.asarray(seen(frames, image_of(network))))


if __name__ == "__main__":
    main()
