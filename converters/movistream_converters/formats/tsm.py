"""TSM's online MobileNetV2 in its published layout, as ``online_demo`` of its code loads it.

Such a file is a plain state dict. Widths are recovered from the shapes; strides, shifts and the
image are those of the published network. Plain MobileNetV2s, of which TSM's was made, may have the
very same names and shapes: nothing in the file says that the network shifts.

Source: mit-han-lab/temporal-shift-module, ``online_demo/mobilenet_v2_tsm.py`` (MIT).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from movistream_converters.errors import ConversionError
from movistream_converters.formats.limits import check_weights
from movistream_converters.formats.source import Finding, Source
from movistream_converters.formats.torch_file import (
    load_tensors,
)
from movistream_converters.formats.torch_weights import (
    NORM,
    decided,
    fitted,
    holds_first,
    of_the_network,
)
from movistream_converters.ir.network import Network, NetworkError, weight_shapes
from movistream_converters.networks.tsm import BLOCKS, IMAGE_SIZE, Block, Table, build_tsm

_FIRST = "features.1.conv.0.weight"
_ROOT = re.compile(rf"^(?P<root>.*?){re.escape(_FIRST)}$")
_CLASSIFIER = "classifier"
_NAME = "tsm-mobilenetv2-online"
_OPTIONS = ("num_classes", "image_size", "frames_per_second")


def sniff(path: Path) -> bool:
    """Whether a file's tensors are named as those of this MobileNetV2."""
    return path.is_file() and holds_first(path, _ROOT, _FIRST)


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a state dict.

    Args:
        path: a ``.safetensors`` file, or one of ``torch.save``.
        architecture: ``tsm-mobilenetv2-online``, the only one; by default recognised.
        overrides: ``num_classes`` to insist on, ``image_size`` in pixels, ``frames_per_second``.

    Raises:
        ConversionError: if it is damaged, holds more than tensors, is no such network, or does not
            fit the architecture or the overrides.
        MissingExtraError: if it takes PyTorch to read it, which is not installed.
    """
    overrides = {name: value for name, value in (overrides or {}).items() if value is not None}
    if unfit := sorted(overrides.keys() - set(_OPTIONS)):
        raise ConversionError(
            f"{path} is TSM's MobileNetV2, in which a {unfit[0].replace('_', ' ')} has no place"
        )
    if architecture not in (None, _NAME):
        raise ConversionError(f"{path} is {_NAME}, not {architecture}")
    root, tensors = of_the_network(
        path, load_tensors(path), _ROOT, "MobileNetV2 of TSM's", f"called {_FIRST}"
    )
    if root.endswith("base_model."):
        raise ConversionError(
            f"{path} is an offline network of TSM's, which sees frames to come; only the online"
            " one can be streamed"
        )
    table = _table(path, tensors)
    wanted = overrides.get("num_classes")
    if wanted not in (None, table.num_classes):
        raise ConversionError(f"{path} has num classes {table.num_classes}, not {wanted}")
    size: Any = overrides.get("image_size", IMAGE_SIZE)
    rate: Any = overrides.get("frames_per_second")
    try:
        network = build_tsm(_NAME, table, size)
    except NetworkError as error:
        raise ConversionError(f"{path} makes no network of {size} pixels: {error}") from None
    check_weights(path, weight_shapes(network).values())
    places = dict(_places(network))
    weights = fitted(path, network, places, tensors)
    told = "the command" if architecture else "a guess: plain MobileNetV2s may look the same"
    findings = [
        Finding("architecture", _NAME, told, guessed=architecture is None),
        Finding("num_classes", table.num_classes, "the state dict"),
        decided("image_size", size, overrides, f"the default of {_NAME}"),
    ]
    if rate is not None:
        findings.append(Finding("frames_per_second", rate, "the command"))
    unused = tuple(sorted(root + key for key in tensors.keys() - set(places.values())))
    return Source(
        network,
        weights,
        frames_per_second=rate,
        findings=tuple(findings),
        unused=unused,
    )


def _table(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> Table:
    def outputs(name: str) -> int:
        shape = tensors[f"{name}.weight"].shape if f"{name}.weight" in tensors else ()
        if not shape:
            raise ConversionError(f"{path} is no whole MobileNetV2: it has no {name}.weight")
        return int(shape[0])

    blocks = []
    for number in range(1, BLOCKS + 1):
        name = f"features.{number}.conv"
        expands = f"{name}.6.weight" in tensors
        last = f"{name}.6" if expands else f"{name}.3"
        blocks.append(Block(outputs(f"{name}.0"), outputs(last), expands))
    return Table(
        stem=outputs("features.0.0"),
        blocks=tuple(blocks),
        head=outputs(f"features.{BLOCKS + 1}.0"),
        num_classes=outputs(_CLASSIFIER),
    )


def _places(network: Network) -> Iterator[tuple[str, str]]:
    """Where each of a network's weights stands in a state dict, by canonical name."""
    names = {node.name for node in network.nodes}
    for name in weight_shapes(network):
        node, _, weight = name.rpartition(".")
        normed, is_norm = node.removesuffix(".bn"), node.endswith(".bn")
        own = NORM[weight] if is_norm else {"kernel": "weight", "bias": "bias"}[weight]
        if node == "classifier":
            yield name, f"{_CLASSIFIER}.{own}"
            continue
        if normed in ("stem", "head"):
            place = f"features.{0 if normed == 'stem' else BLOCKS + 1}"
            yield name, f"{place}.{int(is_norm)}.{own}"
            continue
        block, part = normed.split(".")
        begin = {"expansion": 0, "feature": 3, "projection": 6}[part]
        if f"{block}.expansion" not in names:
            begin -= 3
        number = block.removeprefix("block")
        yield name, f"features.{number}.conv.{begin + int(is_norm)}.{own}"
