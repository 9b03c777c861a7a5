"""Keras' own files of a MoViNet: ``.keras``, ``.weights.h5``, and the ``.h5`` of Keras 2.

All are HDF5 inside. Those of Keras 2 name variables by layers
(``block0_layer0/bneck/expansion/…``), those since then by attributes of Model Garden's code and a
number (``movinet_block/…/vars/0``). Both are brought to the names of checkpoints, and read on as
their variables are. A file of a whole model describes it in JSON besides; the classes that it names
are not loaded.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy.typing as npt

from movistream_converters.errors import ConversionError
from movistream_converters.formats.recognition import evidence_of_shapes
from movistream_converters.formats.source import Source
from movistream_converters.formats.tensorflow_variables import array_variables, read_network
from movistream_converters.network import ActivationFunction

_MAGIC = b"\x89HDF\r\n\x1a\n"
_WEIGHTS, _CONFIG = "model.weights.h5", "config.json"
_MOST_BYTES = 2**31
_DAMAGED = (OSError, RuntimeError, ValueError, KeyError, zipfile.BadZipFile)

_BY_LAYER = re.compile(
    r"(?P<root>.*?)(?P<layer>stem|block\d+_layer\d+|head|classifier_head)/"
    r"(?:(?P<part>stem|project|head|classifier|bneck/[\w/]+?)"
    r"/conv\dd(?P<temporal>_temporal)?/(?P<kind>bn|conv|depthwise_conv)\w*/(?:depthwise_)?"
    r"(?P<weight>\w+)|(?P<scale>scale)):0"
)
_PARTS = {
    "stem": "_stem",
    "project": "_project",
    "head": "_head",
    "classifier": "_classifier",
    "bneck/expansion": "_expansion",
    "bneck/feature": "_feature",
    "bneck/projection": "_projection",
    "bneck/se/se_reduce": "_attention/_se_reduce",
    "bneck/se/se_expand": "_attention/_se_expand",
    "bneck/skip/skip_project": "_skip/_projection",
}
_BY_ATTRIBUTE = re.compile(
    r"(?P<root>.*?)layers/(?P<layer>stem|movinet_block(?:_\d+)?|head|classifier_head)/"
    r"(?P<rest>_.+)/vars/(?P<number>\d)"
)
_RENAMED = (
    (r"^_mobile_bottleneck/(?!_rezero)", ""),
    (r"^(_expansion|_feature|_attention)_layer", r"\1"),
    (r"_conv(_temporal)?/_batch_norm_op$", r"_batch_norm\1"),
    (r"(_conv(?:_temporal)?)/_conv$", r"\1"),
)
_NUMBERED = {
    "_batch_norm": ("gamma", "beta", "moving_mean", "moving_variance"),
    "_conv": ("kernel", "bias"),
    "_rezero": ("scale",),
}
_ACTIVATIONS = {
    "hard_swish": ActivationFunction.HARD_SWISH,
    "simple_swish": ActivationFunction.SWISH,
    "swish": ActivationFunction.SWISH,
    "relu": ActivationFunction.RELU,
    "relu6": ActivationFunction.RELU6,
}

Arrays = dict[str, npt.NDArray[Any]]


def sniff(path: Path) -> bool:
    """Whether a file is one of Keras'."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC or _WEIGHTS in _names(file)


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a file and recognises its network.

    Args:
        architecture: such as ``movinet-a0-stream``; by default recognised from the shapes.
        overrides: fields of :class:`.MovinetOptions` that the user has set.

    Raises:
        ConversionError: if it is damaged, it is not a MoViNet stream model, or it does not fit
            the architecture or the overrides.
    """
    try:
        arrays, described = _content(path)
    except _DAMAGED as error:
        raise ConversionError(f"{path} is damaged or none of Keras' files: {error}") from None
    shown = _shown_options(path, described)
    variables = array_variables(*_by_checkpoint_path(path, arrays))
    evidence = replace(evidence_of_shapes(variables.shapes), where="the Keras file", shown=shown)
    return read_network(path, variables, evidence, architecture, overrides)


def _names(file: Any) -> list[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return []


def _content(path: Path) -> tuple[Arrays, str]:
    """All arrays by name, and the description of the model, which may be empty."""
    described = ""
    opened: Any = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            opened = io.BytesIO(_member(archive, _WEIGHTS))
            if _CONFIG in archive.namelist():
                described = _member(archive, _CONFIG).decode()
    with h5py.File(opened, "r") as file:
        described = described or str(file.attrs.get("model_config", ""))
        return dict(_datasets(file)), described


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError(f"{name} would take {archive.getinfo(name).file_size} bytes")
    return archive.read(name)


def _datasets(file: h5py.File) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Numbers that the file itself holds: what lies in other files is not looked for."""
    found: list[h5py.Dataset] = []
    file.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
    if elsewhere := [item.name for item in found if item.external or item.is_virtual]:
        raise ValueError(f"{elsewhere[0]} is kept in another file")
    if sum(item.nbytes for item in found) > _MOST_BYTES:
        raise ValueError(f"its arrays would take more than {_MOST_BYTES} bytes")
    for dataset in found:
        yield dataset.name.lstrip("/"), dataset[()]


def _by_checkpoint_path(path: Path, arrays: Arrays) -> tuple[Arrays, tuple[str, ...]]:
    """Arrays by the paths of :mod:`.model_garden_names`, and the names of the rest."""
    named = {name: match for name in arrays if (match := _BY_LAYER.fullmatch(name))}
    numbered = {name: match for name in arrays if (match := _BY_ATTRIBUTE.fullmatch(name))}
    matches = named or numbered
    layers = sorted({match["layer"] for match in matches.values()}, key=_place_of_layer)
    blocks = [layer for layer in layers if "block" in layer]
    numbers = {"stem": 0, **{block: i + 1 for i, block in enumerate(blocks)}}
    numbers["head"] = len(blocks) + 1
    found: Arrays = {}
    for name, match in matches.items():
        rest = _rest_by_layer(match) if named else _rest_by_attribute(match)
        in_classifier = match["layer"] == "classifier_head"
        key = rest if in_classifier else f"{numbers[match['layer']]}/{rest}"
        if key in found:
            raise ConversionError(
                f"{path} holds several MoViNets: {name} is one array of two that are {key}; save"
                " the one that is meant in a file of its own"
            )
        found[key] = arrays[name]
    if not found:
        raise ConversionError(
            f"{path} holds no MoViNet: none of its {len(arrays)} arrays is named like a layer of"
            " TensorFlow Model Garden's"
        )
    return found, tuple(sorted(arrays.keys() - matches.keys()))


def _place_of_layer(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def _rest_by_layer(match: re.Match[str]) -> str:
    if match["scale"]:
        return "_mobile_bottleneck/_rezero/scale"
    part = _PARTS.get(match["part"], match["part"])
    kind = "_batch_norm" if match["kind"] == "bn" else "_conv"
    return f"{part}/{kind}{match['temporal'] or ''}/{match['weight']}"


def _rest_by_attribute(match: re.Match[str]) -> str:
    rest = match["rest"]
    for pattern, replacement in _RENAMED:
        rest = re.sub(pattern, replacement, rest)
    kind = rest.rpartition("/")[2].removesuffix("_temporal")
    variables, number = _NUMBERED.get(kind, ()), int(match["number"])
    return f"{rest}/{variables[number] if number < len(variables) else number}"


def _shown_options(path: Path, described: str) -> dict[str, object]:
    """What a whole model's description tells; nothing, for weights alone."""
    try:
        classifier = json.loads(described or "{}")
        options = classifier.get("config", {})
        backbone = options.get("backbone", {}).get("config", {})
        causal, trunk = backbone.get("causal"), backbone.get("activation")
        head, image = options.get("activation"), options.get("input_specs", {}).get("image", {})
        *_, height, width, _ = image.get("config", {}).get("shape") or (None,) * 5
    except (ValueError, RecursionError, AttributeError, TypeError):
        raise ConversionError(f"{path} describes its model in a way that cannot be used") from None
    if causal is False:
        raise ConversionError(
            f"{path} holds a base model (causal=False), which looks at future frames and cannot run"
            " frame by frame; use the stream model"
        )
    shown: dict[str, object] = {}
    if trunk in _ACTIVATIONS:
        shown["activation"] = _ACTIVATIONS[trunk]
    if head in _ACTIVATIONS:
        shown["head_activation"] = _ACTIVATIONS[head]
    if isinstance(height, int) and height == width:
        shown["image_size"] = height
    return shown
