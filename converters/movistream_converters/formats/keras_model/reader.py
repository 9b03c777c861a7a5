"""Reads a ``.keras`` file of a functional or sequential model that sees clips causally."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movistream.file.manifest import Activation as ScoreActivation
from movistream.system.text import has_control_characters, printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.described import read_document
from movistream_converters.formats.keras_model.archive import read_archive
from movistream_converters.formats.keras_model.description import (
    INPUT,
    KerasLayer,
    Model,
    refused,
)
from movistream_converters.formats.keras_model.emitting import IMAGE, Emitter
from movistream_converters.formats.keras_model.image import image_of_model
from movistream_converters.formats.keras_model.layers import TABLE
from movistream_converters.formats.keras_model.parsing import described_model
from movistream_converters.formats.keras_model.translating import translate_model
from movistream_converters.formats.keras_model.values import Value
from movistream_converters.formats.source import Finding, Source, SourceProgram
from movistream_converters.ir.document import encode_network
from movistream_converters.ir.layers import Activation, ActivationFunction, Softmax
from movistream_converters.ir.network import Network, NetworkError, Node, classes_of
from movistream_converters.ir.staging import with_stages

_OPTIONS = (
    *("mean", "std", "value_range", "image_size", "num_classes", "frames_per_second", "delay"),
)
_LARGEST_SIZE = 4096
_LONGEST_NAME = 100


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a whole model. None of its code is run.

    Args:
        path: of a zip file that Keras 3's ``model.save`` wrote.
        architecture: there is none to choose.
        overrides: ``mean``, ``std`` and ``value_range`` of what the model is given; ``image_size``
            in pixels, where the model takes any; ``num_classes`` to insist on;
            ``frames_per_second``; ``delay``, whether answers may come later than their frames, by
            as many as the model sees to come.

    Raises:
        ConversionError: if it is damaged, a layer cannot be streamed or is not known, nothing says
            in what range it is given the values of an image, or it does not fit the overrides.
    """
    told = {name: value for name, value in (overrides or {}).items() if value is not None}
    archive = read_archive(path)
    model = described_model(archive)
    if architecture is not None:
        raise ConversionError(
            f"{path} says itself that it holds {printable(model.name)}, not {architecture}"
        )
    if unfit := sorted(told.keys() - set(_OPTIONS)):
        raise ConversionError(
            f"{path} says itself what it computes: there is no"
            f" {printable(unfit[0]).replace('_', ' ')} to choose"
        )
    clip = _clip(model.calls[0].layer, told)
    late = bool(told.get("delay"))
    emitter = Emitter(TABLE, clip.channels, clip.frames, may_be_late=late)
    shape = clip.height, clip.width, clip.channels
    answer = translate_model(model, Value(IMAGE, shape, shape), emitter)
    _check_answer(model, answer)
    unscaled = (1.0,) * clip.channels, (0.0,) * clip.channels
    image, given, findings = image_of_model(path, clip.channels, emitter.scaling or unscaled, told)
    nodes, activation = _logits(emitter.nodes)
    try:
        network = Network(
            _network_name(model),
            (Node(IMAGE, image), *nodes),
            (clip.height, clip.width),
            delay_frames=answer.late_frames,
        )
    except NetworkError as error:
        raise ConversionError(f"{path} makes no network: {error}") from None
    network = read_document(path, encode_network(with_stages(network)))  # It may be too large.
    classes = classes_of(network)
    if told.get("num_classes") not in (None, classes):
        raise ConversionError(f"{path} has num classes {classes}, not {told['num_classes']}")
    rate: Any = told.get("frames_per_second")
    described = "the description of the model"
    findings = (
        Finding("network", network.name, described),
        Finding("num_classes", classes, described),
        Finding(
            "image_size",
            clip.height if clip.height == clip.width else f"{clip.height} x {clip.width}",
            described if clip.is_described else "the command",
        ),
        *findings,
        Finding(
            "scores",
            activation or "softmax",
            "the model's last layer" if activation else "the default",
            guessed=activation is None,
        ),
        *([Finding("delay_frames", network.delay_frames, described)] if late else ()),
        *([Finding("frames_per_second", rate, "the command")] if rate is not None else ()),
    )
    names = {node.name for node in network.nodes}
    return Source(
        network,
        {n: w for n, w in emitter.weights.items() if n.rpartition(".")[0] in names},
        frames_per_second=rate,
        activation=activation or "softmax",
        findings=findings,
        unused=archive.unused,
        program=SourceProgram(
            "Keras",
            clip.frames or 1,
            clip.frames,
            "NTHWC",
            given,
            # Of a last answer alone it is the batch, which is 1.
            answers_axis=-2,
            scores=activation,
            path=str(path),
        ),
    )


@dataclass(frozen=True)
class _Clip:
    """What a model is given.

    Attributes:
        frames: of a clip; None for any number.
        is_described: whether the model says the size of frames.
    """

    frames: int | None
    height: int
    width: int
    channels: int
    is_described: bool


def _clip(layer: KerasLayer, told: Mapping[str, object]) -> _Clip:
    if layer.class_name != INPUT:
        raise refused(layer, "is the first layer, which has to be an InputLayer")
    shape = layer.config.get("batch_shape", layer.config.get("shape"))
    if not isinstance(shape, list) or not all(n is None or type(n) is int for n in shape):
        raise refused(layer, f"takes {shape!r:.80}, which is no shape; the model may not be built")
    if len(shape) != 5:
        raise refused(
            layer,
            f"takes {shape}; a clip is (batch, time, height, width, channels). A model of single"
            " frames becomes one of clips as TimeDistributed(model)",
        )
    frames, height, width, channels = shape[1:]
    size: Any = told.get("image_size")
    is_described = height is not None and width is not None
    if not is_described and size is None:
        raise refused(layer, "takes frames of any size; say which with --image-size")
    if is_described and size is not None and (height, width) != (size, size):
        raise ConversionError(
            f"{layer.path} has image size {height if height == width else f'{height} x {width}'},"
            f" not {size}"
        )
    height, width = height or size, width or size
    if not all(type(n) is int and 1 <= n <= _LARGEST_SIZE for n in (height, width, channels)) or (
        frames is not None and frames < 1
    ):
        raise refused(layer, f"takes {shape}, which is no clip")
    return _Clip(frames, height, width, channels, is_described)


def _check_answer(model: Model, answer: Value) -> None:
    last = model.calls[-1].layer
    if answer.zeros_before or answer.frames_behind:
        count = answer.zeros_before + answer.frames_behind
        raise refused(
            last,
            f"gives {abs(count)} frames {'more' if count > 0 else 'less'} than the clip has; a"
            " stream gives one answer for each frame",
        )
    if answer.node == IMAGE or len(answer.dims) != 1 or answer.shape[:2] != (1, 1):
        raise refused(
            last,
            f"gives {list(answer.dims)} for each frame, which are no logits; (batch, time, classes)"
            " are",
        )


def _logits(nodes: list[Node]) -> tuple[tuple[Node, ...], ScoreActivation | None]:
    """The nodes without what makes scores of logits, which the manifest says; and what that is."""
    match nodes[-1].layer:
        case Softmax():
            return tuple(nodes[:-1]), "softmax"
        case Activation(ActivationFunction.SIGMOID):
            return tuple(nodes[:-1]), "sigmoid"
    return tuple(nodes), None


def _network_name(model: Model) -> str:
    name = model.name.replace("/", ".")[:_LONGEST_NAME]
    return "keras-model" if has_control_characters(name) or not name else name
