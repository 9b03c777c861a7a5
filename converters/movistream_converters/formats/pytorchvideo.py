"""X3D in PyTorchVideo's published layout: checkpoints of ``create_x3d``, as the model zoo has them.

Such a checkpoint is ``{"model_state": …}``, or a plain state dict. Its block table is recovered
from the shapes. The network that was trained sees whole clips; what is read is the stream that
:mod:`.ir.streaming` makes of it.

Sources: facebookresearch/pytorchvideo, ``models/x3d.py`` and ``models/hub/x3d.py`` (Apache-2.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.limits import check_weights
from movistream_converters.formats.source import Finding, Source
from movistream_converters.formats.torch_file import (
    SUFFIXES,
    load_tensors,
)
from movistream_converters.formats.torch_weights import (
    NORM,
    decided,
    fitted,
    holds_first,
    of_the_network,
)
from movistream_converters.ir.network import (
    Network,
    NetworkError,
    warm_up_frames,
    weight_shapes,
)
from movistream_converters.ir.streaming import as_stream
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.x3d import (
    X3DS,
    Block,
    Table,
    build_x3d,
    features_side,
    table_of,
)

_FIRST = "blocks.0.conv.conv_t.weight"
_ROOT = re.compile(rf"^(?P<root>.*?){re.escape(_FIRST)}$")
_WHERE = "the state dict"
_GUESSED_IMAGE_SIZE = 160
_OPTIONS = ("num_classes", "image_size", "frames_per_second", "window_frames", "delay")


@dataclass(frozen=True)
class ClipSource:
    """What a checkpoint holds, as it was trained.

    Attributes:
        network: sees whole clips.
        frames_per_second: that it was trained at; None if nothing tells.
        findings: what each option was decided by.
        unused: what the file holds besides.
    """

    network: Network
    weights: Weights
    frames_per_second: float | None
    findings: tuple[Finding, ...]
    unused: tuple[str, ...]


def sniff(path: Path) -> bool:
    """Whether a file, or one in a folder, holds a tensor that is named as X3D's first one, and no
    other network's."""
    return any(map(_is_checkpoint, _files(path)))


def _files(path: Path) -> list[Path]:
    """The file, or those in a folder that could be checkpoints, by name."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    suffixes = (*SUFFIXES, ".safetensors")
    return sorted(file for file in path.iterdir() if file.suffix in suffixes and file.is_file())


def _is_checkpoint(path: Path) -> bool:
    return holds_first(path, _ROOT, _FIRST)


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a state dict, and makes a stream of its network.

    Args:
        path: a ``.safetensors`` file, or one of ``torch.save``, or a folder with one of them.
        architecture: such as ``x3d-s``, which decides what shapes do not show: the image's size and
            the frame rate; by default as the file is called, or a guess.
        overrides: ``num_classes`` to insist on, ``image_size`` in pixels, ``frames_per_second``,
            ``window_frames``, which the head's mean is over; by default ``all`` frames so far; and
            ``delay``, which these networks always have.

    Raises:
        ConversionError: if it is damaged, holds more than tensors, is no X3D, or does not fit the
            architecture or the overrides.
        MissingExtraError: if it takes PyTorch to read it, which is not installed.
    """
    overrides = {name: value for name, value in (overrides or {}).items() if value is not None}
    clip = read_clip(path, architecture, overrides)
    window: Any = overrides.get("window_frames")
    try:
        network = as_stream(clip.network, None if window == "all" else window)
    except NetworkError as error:
        raise ConversionError(f"{path} cannot be made a stream: {error}") from None
    if window is None:
        source = "the default: over all frames so far; the checkpoint does not show a window"
        finding = Finding("window_frames", "none", source, guessed=True)
    else:
        finding = Finding("window_frames", window, "the command")
    lateness = (
        Finding("delay_frames", network.delay_frames, "the temporal kernels"),
        Finding("warm_up_frames", warm_up_frames(network), "the delay and the window"),
    )
    return Source(
        network,
        clip.weights,
        frames_per_second=clip.frames_per_second,
        findings=(*clip.findings, finding, *lateness),
        unused=clip.unused,
    )


def read_clip(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> ClipSource:
    """As :func:`read`, but the network is the one that was trained, which sees whole clips."""
    overrides = overrides or {}
    if unfit := sorted(overrides.keys() - set(_OPTIONS)):
        raise ConversionError(
            f"{path} is an X3D, in which a {unfit[0].replace('_', ' ')} has no place"
        )
    path = _checkpoint(path)
    called = f"named like the first layer of PyTorchVideo's, {_FIRST}"
    root, tensors = of_the_network(path, load_tensors(path), _ROOT, "X3D", called)
    table = _table(path, tensors)
    name, told_by = _named(path, table, architecture)
    findings = [Finding("architecture", name, told_by, guessed=told_by.startswith("a guess"))]
    wanted = overrides.get("num_classes")
    if wanted not in (None, table.num_classes):
        raise ConversionError(f"{path} has num classes {table.num_classes}, not {wanted}")
    findings.append(Finding("num_classes", table.num_classes, _WHERE))
    spec = X3DS.get(name.removeprefix("x3d-"))
    trained_size = _GUESSED_IMAGE_SIZE if spec is None else spec.image_size
    size: Any = overrides.get("image_size", trained_size)
    findings.append(decided("image_size", size, overrides, f"the default of {name}"))
    rate: Any = overrides.get("frames_per_second", spec and spec.frames_per_second)
    if rate is not None:
        findings.append(decided("frames_per_second", rate, overrides, f"the default of {name}"))
    side = features_side(table, trained_size)
    if spec is not None and features_side(table, size) > side:
        # As its published figures are taken; on a smaller image it must have been trained.
        table = replace(table, window=(side, side))
    try:
        network = build_x3d(name, table, size)
    except NetworkError as error:
        raise ConversionError(f"{path} cannot take images of {size} pixels: {error}") from None
    check_weights(path, weight_shapes(network).values())
    places = dict(_places(network))
    weights = fitted(path, network, places, tensors)
    unused = tuple(sorted(root + key for key in tensors.keys() - set(places.values())))
    return ClipSource(network, weights, rate, tuple(findings), unused)


def _checkpoint(path: Path) -> Path:
    """The file itself, or the one in a folder."""
    if not path.is_dir():
        return path
    found = [file for file in _files(path) if _is_checkpoint(file)]
    if len(found) != 1:
        listed = ", ".join(printable(file.name) for file in found) or "none"
        raise ConversionError(f"{path} holds {listed} as X3D's checkpoints; name the one to read")
    return found[0]


def _table(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> Table:
    """The block table that shapes show.

    A shortcut that is a convolution begins a stage, and there X3D halves height and width.
    """

    def outputs(name: str) -> int:
        shape = tensors[f"{name}.weight"].shape if f"{name}.weight" in tensors else ()
        if not shape:
            raise ConversionError(f"{path} is no whole X3D: it has no {printable(name)}.weight")
        return int(shape[0])

    stages: list[tuple[Block, ...]] = []
    while f"blocks.{len(stages) + 1}.res_blocks.0.branch2.conv_a.weight" in tensors:
        blocks: list[Block] = []
        stage = f"blocks.{len(stages) + 1}.res_blocks"
        while f"{stage}.{len(blocks)}.branch2.conv_a.weight" in tensors:
            name = f"{stage}.{len(blocks)}"
            squeeze = f"{name}.branch2.norm_b.1.block.0"
            projects = f"{name}.branch1_conv.weight" in tensors
            blocks.append(
                Block(
                    inner=outputs(f"{name}.branch2.conv_a"),
                    filters=outputs(f"{name}.branch2.conv_c"),
                    stride=2 if projects and not blocks else 1,
                    squeeze=outputs(squeeze) if f"{squeeze}.weight" in tensors else None,
                    projects=projects,
                    normalises_shortcut=f"{name}.branch1_norm.weight" in tensors,
                )
            )
        stages.append(tuple(blocks))
    head = f"blocks.{len(stages) + 1}"
    return Table(
        stem=outputs("blocks.0.conv.conv_t"),
        stages=tuple(stages),
        head=outputs(f"{head}.pool.pre_conv"),
        hidden=outputs(f"{head}.pool.post_conv"),
        num_classes=outputs(f"{head}.proj"),
    )


def _named(path: Path, table: Table, architecture: str | None) -> tuple[str, str]:
    """The name of a table, and what tells it: several members of the family share their shapes."""
    fitting = [key for key in X3DS if _essence(table_of(key, 1)) == _essence(table)]
    if architecture is not None:
        key = architecture.removeprefix("x3d-")
        if key not in X3DS:
            names = ", ".join(f"x3d-{key}" for key in X3DS)
            raise ConversionError(
                f"{path} is an X3D, and {architecture} is none; there are {names}"
            )
        if key not in fitting:
            others = " or ".join(f"x3d-{key}" for key in fitting) or "none that is known"
            raise ConversionError(f"{path} is not {architecture}: by its shapes it is {others}")
        return f"x3d-{key}", "the command"
    if not fitting:
        return "x3d", _WHERE
    called = path.stem.lower().replace("_", "-")
    for key in fitting:
        if called == f"x3d-{key}":
            return called, "a guess: the file's name" if len(fitting) > 1 else _WHERE
    if len(fitting) == 1:
        return f"x3d-{fitting[0]}", _WHERE
    others = " and ".join(f"x3d-{key}" for key in fitting[1:])
    return f"x3d-{fitting[0]}", f"a guess: {others} have the same shapes"


def _essence(table: Table) -> object:
    """What tells members of the family apart, whatever they are trained to tell apart."""
    blocks = [
        [(block.inner, block.filters, block.squeeze) for block in stage] for stage in table.stages
    ]
    return table.stem, blocks, table.head, table.hidden


def _places(network: Network) -> Iterator[tuple[str, str]]:
    """Where each of a network's weights stands in a state dict, by canonical name."""
    stages = sum(node.name.endswith("_layer0.expansion") for node in network.nodes)
    head = f"blocks.{stages + 1}"
    fixed = {
        "stem.space": "blocks.0.conv.conv_t",
        "stem.time": "blocks.0.conv.conv_xy",
        "stem.bn": "blocks.0.norm",
        "head.project": f"{head}.pool.pre_conv",
        "head.bn": f"{head}.pool.pre_norm",
        "classifier.hidden": f"{head}.pool.post_conv",
        "classifier.logits": f"{head}.proj",
    }
    parts = {
        "expansion": "branch2.conv_a",
        "expansion.bn": "branch2.norm_a",
        "feature": "branch2.conv_b",
        "feature.bn": "branch2.norm_b.0",
        "se.reduce": "branch2.norm_b.1.block.0",
        "se.expand": "branch2.norm_b.1.block.2",
        "projection": "branch2.conv_c",
        "projection.bn": "branch2.norm_c",
        "skip": "branch1_conv",
        "skip.bn": "branch1_norm",
    }
    for name in weight_shapes(network):
        node, _, weight = name.rpartition(".")
        own = {"kernel": "weight", "bias": "bias"}.get(weight) or NORM[weight]
        if node in fixed:
            yield name, f"{fixed[node]}.{own}"
            continue
        match = re.fullmatch(r"block(\d+)_layer(\d+)\.(.+)", node)
        assert match is not None
        block = f"blocks.{int(match[1]) + 1}.res_blocks.{match[2]}"
        yield name, f"{block}.{parts[match[3]]}.{own}"
