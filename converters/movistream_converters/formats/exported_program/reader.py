"""Reads a program of ``torch.export`` and makes a stream of it, without PyTorch.

The program is followed with a clip of so many frames, a number that no other size of it has where
it was left open. Nothing of the user's is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from movistream.file.manifest import Activation as Scores
from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.exported_program.archive import is_program, read_archive
from movistream_converters.formats.exported_program.call import Call, Run, Window
from movistream_converters.formats.exported_program.following import follow
from movistream_converters.formats.exported_program.program import Dynamic, Node, Place, Program
from movistream_converters.formats.exported_program.values import Axis, Dimension, Frames
from movistream_converters.formats.exported_program.writing import IMAGE, Writing
from movistream_converters.formats.source import Finding, Source, SourceProgram
from movistream_converters.formats.torch_weights import decided
from movistream_converters.ir.layers import Activation, ActivationFunction, Image, Softmax
from movistream_converters.ir.network import NetworkError, classes_of, warm_up_frames
from movistream_converters.ir.weights import non_finite

_OPTIONS = (
    "num_classes",
    "image_size",
    "frames_per_second",
    "window_frames",
    "delay",
    "mean",
    "std",
    "value_range",
)
_PROGRAM = "the program"
_COMMAND = "the command"
_FLOATS, _BYTES = (6, 7, 8, 13), 1
"""PyTorch's numbers of types."""
_PICTURE_CHANNELS = 3
_LARGEST_SIZE = 4096
_MOST_FRAMES = 4096
_CLIP_FRAMES = (67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149)
"""Of clips for programs of any number: more than windows usually have."""
_SHORT_CLIP_FRAMES = (61, 59, 53, 47, 43, 41, 37, 31, 29, 23, 19, 17, 13, 11, 7, 5, 3, 2)
_ORDERS: tuple[tuple[Axis | None, ...], ...] = (
    (None, "C", "T", "H", "W"),
    (None, "T", "C", "H", "W"),
    (None, "T", "H", "W", "C"),
    ("T", "C", "H", "W"),
)
"""What the axes of a clip may be; None is the batch."""


@dataclass(frozen=True)
class _Clip:
    """The clip that a program is followed with.

    Attributes:
        told: what the order of its axes was decided by.
        image_told: what its image's size was decided by.
    """

    order: tuple[Axis | None, ...]
    frames: int
    channels: int
    image_size: tuple[int, int]
    told: str
    image_told: str


def sniff(path: Path) -> bool:
    """Whether a file is an archive of ``torch.export.save``."""
    return path.is_file() and is_program(path)


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a program, and makes a stream of it.

    Args:
        path: a ``.pt2`` file of ``torch.export.save``, of PyTorch 2.9 or newer.
        architecture: none has a name.
        overrides: ``value_range``, what 0 and 255 of a picture become, and ``mean`` and ``std`` of
            each channel, applied after it: what the network sees, which a program does not say;
            ``num_classes`` to insist on, ``image_size`` in pixels where the program takes any,
            ``frames_per_second``, and ``window_frames``, what a mean over the whole clip becomes:
            ``all`` for one over all frames so far, or a number; ``delay``, whether answers may come
            later than their frames, by as many as the network sees to come.

    Raises:
        ConversionError: if it is damaged, sees later frames, does what the vocabulary lacks, or
            does not fit the overrides.
    """
    overrides = {name: value for name, value in (overrides or {}).items() if value is not None}
    if unfit := sorted(overrides.keys() - set(_OPTIONS)):
        raise ConversionError(
            f"{path} is a program of torch.export, in which a {unfit[0].replace('_', ' ')} has no"
            " place"
        )
    if architecture is not None:
        raise ConversionError(f"{path} is a program of torch.export, and no {architecture}")
    program, tensors = read_archive(path)
    clip = _clip(path, program, overrides)
    image, image_findings = _image(path, program, clip, overrides)
    window: Any = overrides.get("window_frames")
    late = bool(overrides.get("delay"))
    run = Run(path, clip.frames, Writing(image, clip.image_size), window, may_be_late=late)
    given = _given(clip)
    given = replace(given, shape=run.writing.shapes[IMAGE])
    result = _logits(run, program, answer := follow(run, program, given, tensors))
    if window is not None and not run.used_window:
        raise ConversionError(
            f"{path} has no mean over the whole clip, so a window has no place in it"
        )
    node, scores = _before_scores(run, result)
    delay = -result.lead if result.is_last else result.ahead
    name = "".join(c if c.isprintable() and c != "/" else "_" for c in path.stem)[:100]
    try:
        network, weights = run.writing.network(name or "program", node, delay)
    except NetworkError as error:
        raise ConversionError(f"{path} makes no network: {error}") from None
    if names := non_finite(weights):
        raise ConversionError(f"{path} holds NaN or infinite weights, first in {names[0]}")
    wanted, classes = overrides.get("num_classes"), classes_of(network)
    if wanted not in (None, classes):
        raise ConversionError(f"{path} has num classes {classes}, not {wanted}")
    rate: Any = overrides.get("frames_per_second")
    findings = [
        Finding("clip", _order_text(clip.order), clip.told),
        Finding("num_classes", classes, _PROGRAM),
        Finding("image_size", "x".join(map(str, clip.image_size)), clip.image_told),
        *image_findings,
    ]
    if run.used_window:
        findings.append(Finding("window_frames", window, _COMMAND))
    if late:
        findings.append(Finding("delay_frames", delay, _PROGRAM))
    if delay:
        findings.append(Finding("warm_up_frames", warm_up_frames(network), _PROGRAM))
    if rate is not None:
        findings.append(Finding("frames_per_second", rate, _COMMAND))
    return Source(
        network,
        weights,
        frames_per_second=rate,
        activation=scores or "softmax",
        findings=tuple(findings),
        program=replace(
            _as_run(program, clip, image, window, answer), scores=scores, path=str(path)
        ),
    )


def _as_run(
    program: Program, clip: _Clip, image: Image, window: Window, answer: Frames
) -> SourceProgram:
    """What it takes to run the program."""
    size = program.clip_sizes[clip.order.index("T")]
    least, most = (size, size) if isinstance(size, int) else (max(size.least, 2), size.most)
    if isinstance(window, int):
        # The mean over a longer clip is another one.
        most = window if most is None else min(window, most)
    frames = (place for place, axes in enumerate(answer.dimensions) if "T" in axes)
    return SourceProgram(
        "PyTorch",
        least,
        most,
        _order_text(clip.order),
        image,
        whole_numbers=program.clip_dtype == _BYTES,
        answers_axis=None if answer.is_last else next(frames, None),
    )


def _clip(path: Path, program: Program, overrides: Mapping[str, object]) -> _Clip:
    sizes = program.clip_sizes
    order, told = _order(path, sizes)
    named = {axis: size for axis, size in zip(order, sizes, strict=True) if axis is not None}
    batch = [size for axis, size in zip(order, sizes, strict=True) if axis is None]
    if any(isinstance(size, int) and size != 1 for size in batch):
        raise ConversionError(f"{path} takes {batch[0]} clips at once: export it with a batch of 1")
    channels = named["C"]
    if not isinstance(channels, int):
        raise ConversionError(f"{path} takes any number of channels: export it with a fixed one")
    wanted: Any = overrides.get("image_size")
    image: list[int] = []
    image_told = _PROGRAM
    sides: tuple[Axis, ...] = ("H", "W")
    for axis in sides:
        size = named[axis]
        if isinstance(size, Dynamic):
            image_told = _COMMAND if wanted else "the example that it was exported with"
            size = wanted or size.hint
        elif wanted not in (None, size):
            raise ConversionError(f"{path} takes images of {size} pixels, not {wanted}")
        image.append(size)
    if not all(1 <= size <= _LARGEST_SIZE for size in image):
        raise ConversionError(f"{path} takes images of {image} pixels, which is impossible")
    frames = _frames(path, program, named["T"])
    return _Clip(order, frames, channels, (image[0], image[1]), told, image_told)


def _order(path: Path, sizes: tuple[int | Dynamic, ...]) -> tuple[tuple[Axis | None, ...], str]:
    """What the axes of a clip are."""
    found = _found_order(sizes)
    if found is not None:
        return found
    shown = [size if isinstance(size, int) else size.symbol for size in sizes]
    raise ConversionError(
        f"{path} takes {printable(str(shown))}, which does not show what is time and what are"
        " channels: clips are (1, 3, T, H, W), (1, T, 3, H, W), (1, T, H, W, 3) or (T, 3, H, W);"
        " export with dynamic_shapes for T"
    )


def time_axis(sizes: tuple[int, ...]) -> int | None:
    """Which axis of a clip is time; None if its sizes do not show it."""
    found = _found_order(sizes)
    return None if found is None else found[0].index("T")


def _found_order(
    sizes: tuple[int | Dynamic, ...],
) -> tuple[tuple[Axis | None, ...], str] | None:
    fitting = [order for order in _ORDERS if len(order) == len(sizes)]
    open_size = [
        order
        for order in fitting
        if isinstance(sizes[order.index("T")], Dynamic)
        and not isinstance(sizes[order.index("C")], Dynamic)
    ]
    colours = [order for order in fitting if sizes[order.index("C")] == _PICTURE_CHANNELS]
    both = [order for order in open_size if order in colours]
    for found, told in (
        (both, "its open number of frames, and its three channels"),
        (open_size, "its open number of frames"),
        (colours, "its three channels"),
    ):
        if len(found) == 1:
            return found[0], told
    return None


def _frames(path: Path, program: Program, size: int | Dynamic) -> int:
    """How many frames to follow the program with."""
    if isinstance(size, int):
        if not 1 < size <= _MOST_FRAMES:
            raise ConversionError(
                f"{path} takes clips of {size} frames; export it with 2 to {_MOST_FRAMES} of them"
            )
        return size
    most = _MOST_FRAMES if size.most is None else min(size.most, _MOST_FRAMES)
    # Of a clip of one frame nothing is learned.
    least = max(size.least, 2)
    candidates: tuple[int, ...] = (*_CLIP_FRAMES, *_SHORT_CLIP_FRAMES, *range(least, most + 1))
    for frames in candidates:
        if least <= frames <= most and frames not in program.sizes:
            return frames
    raise ConversionError(f"{path} takes clips of {least} to {most} frames, which are too few")


def _given(clip: _Clip) -> Frames:
    """The clip as a value."""
    height, width = clip.image_size
    sizes = {"T": clip.frames, "C": clip.channels, "H": height, "W": width}
    dimensions: tuple[Dimension, ...] = tuple(
        (axis,) if axis is not None and (axis == "T" or sizes[axis] > 1) else ()
        for axis in clip.order
    )
    return Frames(IMAGE, (height, width, clip.channels), dimensions, clip.frames)


def _image(
    path: Path, program: Program, clip: _Clip, overrides: Mapping[str, object]
) -> tuple[Image, list[Finding]]:
    """What the network sees of a picture, and what that was decided by."""
    if program.clip_dtype not in (*_FLOATS, _BYTES):
        raise ConversionError(
            f"{path} takes numbers that are no pixels (type {program.clip_dtype})"
        )
    value_range: Any = overrides.get("value_range")
    mean: Any = overrides.get("mean", ())
    std: Any = overrides.get("std", ())
    if value_range is None and program.clip_dtype == _BYTES:
        value_range = (0.0, 255.0)
    if value_range is None:
        raise ConversionError(
            f"{path} does not say what it sees of a picture: say what 0 and 255 become with"
            " --value-range LOW,HIGH (0,1 of torchvision's ToTensor), and what is subtracted and"
            " divided by after that, if anything is, with --mean R,G,B and --std R,G,B"
        )
    try:
        image = Image(clip.channels, tuple(value_range), tuple(mean), tuple(std))
    except (ValueError, TypeError) as error:
        raise ConversionError(f"{path} cannot see pictures so: {error}") from None
    findings = [
        decided("value_range", _text(value_range), overrides, "the program's whole numbers")
    ]
    findings = [replace(finding, guessed=False) for finding in findings]
    for option, given in (("mean", mean), ("std", std)):
        if given:
            findings.append(Finding(option, _text(given), _COMMAND))
    return image, findings


def _text(numbers: Any) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def _order_text(order: tuple[Axis | None, ...]) -> str:
    return "".join(axis or "N" for axis in order)


def _logits(run: Run, program: Program, result: Frames) -> Frames:
    """What the program gives, as logits after each frame, or after the last."""
    call = Call(run, _giving(program))
    value = call.plain(result)
    if not value.is_vector:
        call.refuse(f"gives {list(value.sizes)}: only logits, one row a frame, are read")
    if value.is_last:
        return value
    call.check_ahead([value])
    value = call.known(value)
    if value.unknown or value.lead > 0:
        call.refuse("gives answers to what was before the clip: cut them off")
    if value.length > run.frames:
        call.refuse(f"gives {value.length} answers to {run.frames} frames: cut some off")
    if value.last_frame < run.frames - 1:
        call.refuse(
            f"gives no answer to the last {run.frames - 1 - value.last_frame} frames of the clip"
        )
    # What was late before it saw frames to come is as late as they are, though it need not be.
    return call.delayed(value, value.ahead - (value.last_frame - run.frames + 1))


def _giving(program: Program) -> Node:
    """The operator that gives the result."""
    nodes = (node for node in reversed(program.nodes) if program.result in node.outputs)
    return next(nodes, Node("aten", program.result, {}, (), Place()))


def _before_scores(run: Run, result: Frames) -> tuple[str, Scores | None]:
    """The node that gives logits, and what makes scores of them, if the program does."""
    node = run.writing.nodes[result.node]
    match node.layer:
        case Softmax():
            return node.inputs[0], "softmax"
        case Activation(function=ActivationFunction.SIGMOID):
            return node.inputs[0], "sigmoid"
    return result.node, None
