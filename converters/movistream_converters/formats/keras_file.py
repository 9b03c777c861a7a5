"""Keras' own files of a MoViNet: ``.keras``, ``.weights.h5``, and the ``.h5`` of Keras 2.

All are HDF5 inside. Those of Keras 2 name variables by layers
(``block0_layer0/bneck/expansion/…``), those since then by attributes of Model Garden's code and a
number (``movinet_block/…/vars/0``). Both are brought to the names of checkpoints, and read on as
their variables are. A file of a whole model describes it in JSON besides; the classes that it names
are not loaded. What is a whole model and no MoViNet is read by what it describes
(:mod:`.keras_model`).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy.typing as npt

from movistream_converters.errors import ConversionError
from movistream_converters.formats import RANGE_OPTIONS
from movistream_converters.formats.hdf5 import read_arrays
from movistream_converters.formats.keras_model import reader as keras_model
from movistream_converters.formats.limits import check_zip
from movistream_converters.formats.model_garden.arrays import Arrays, read_network, shapes_of
from movistream_converters.formats.recognition import evidence_of_shapes
from movistream_converters.formats.source import Source
from movistream_converters.formats.zip_names import names_in_zip
from movistream_converters.ir.layers import ActivationFunction

_MAGIC = b"\x89HDF\r\n\x1a\n"
_WEIGHTS, _CONFIG = "model.weights.h5", "config.json"
_DAMAGED = (
    *(OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What h5py and zipfile raise for damaged files."""

_BY_LAYER = re.compile(
    r".*?(?P<layer>stem|block\d+_layer\d+|head|classifier_head)/"
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
    r".*?layers/(?P<layer>stem|movinet_block(?:_\d+)?|head|classifier_head)/"
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


def sniff(path: Path) -> bool:
    """Whether a file is one of Keras'."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        is_hdf5 = file.read(len(_MAGIC)) == _MAGIC
    return is_hdf5 or _WEIGHTS in names_in_zip(path)


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a file and recognises its network.

    Args:
        architecture: such as ``movinet-a0-stream``; by default recognised from the shapes.
        overrides: fields of :class:`.MovinetOptions` that the user has set; of a whole model that
            is no MoViNet, see :func:`.keras_model.reader.read`.

    Raises:
        ConversionError: if it is damaged, it is neither a MoViNet stream model nor a whole model
            that can be streamed, or it does not fit the architecture or the overrides.
    """
    try:
        arrays, rest, described = _content(path)
    except _DAMAGED as error:
        raise ConversionError(f"{path} is damaged or none of Keras' files: {error}") from None
    if not arrays and _CONFIG in names_in_zip(path):
        return keras_model.read(path, architecture, overrides)
    if not arrays and described:
        raise ConversionError(
            f"{path} describes a whole model in the way of Keras 2, and only MoViNets are read so;"
            " load it with Keras 3 and save it as .keras"
        )
    if (overrides or {}).get("delay"):
        raise ConversionError(f"{path} is a MoViNet stream model, which is never late")
    if any((overrides or {}).get(option) is not None for option in RANGE_OPTIONS):
        raise ConversionError(
            f"{path} is a MoViNet, which sees pictures from 0 to 1: no range, mean or std is told"
        )
    shown = _shown_options(path, described, overrides or {})
    arrays, unused = _by_checkpoint_path(path, arrays, rest)
    evidence = replace(evidence_of_shapes(shapes_of(arrays)), where="the Keras file", shown=shown)
    return read_network(path, arrays, unused, evidence, architecture, overrides)


def _content(path: Path) -> tuple[Arrays, tuple[str, ...], str]:
    """Arrays of layers by name, names of the rest, and the description of the model, if any."""
    described = ""
    opened: Any = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = {_WEIGHTS, _CONFIG} & set(archive.namelist())
            check_zip(path, map(archive.getinfo, members))
            opened = io.BytesIO(archive.read(_WEIGHTS))
            if _CONFIG in members:
                described = archive.read(_CONFIG).decode()
    with h5py.File(opened, "r") as file:
        attribute = file.attrs.get("model_config", "")
        described = described or (
            attribute.decode() if isinstance(attribute, bytes) else str(attribute)
        )
        return *read_arrays(path, file, _names_movinet), described


def _names_movinet(name: str) -> bool:
    return bool(_BY_LAYER.fullmatch(name) or _BY_ATTRIBUTE.fullmatch(name))


def _by_checkpoint_path(
    path: Path, arrays: Arrays, rest: tuple[str, ...]
) -> tuple[Arrays, tuple[str, ...]]:
    """Arrays by the paths of :mod:`.formats.model_garden.names`; names of what is not used."""
    named = {name: match for name in arrays if (match := _BY_LAYER.fullmatch(name))}
    numbered = {name: match for name in arrays if (match := _BY_ATTRIBUTE.fullmatch(name))}
    matches = named or numbered
    blocks = sorted({m["layer"] for m in matches.values() if "block" in m["layer"]}, key=_numbers)
    places = {layer: number for number, layer in enumerate(("stem", *blocks, "head"))}
    found: dict[str, npt.NDArray[Any]] = {}
    for name, match in matches.items():
        place = _rest_by_layer(match) if named else _rest_by_attribute(match)
        in_classifier = match["layer"] == "classifier_head"
        key = place if in_classifier else f"{places[match['layer']]}/{place}"
        if key in found:
            raise ConversionError(
                f"{path} holds several MoViNets: {name} is one array of two that are {key}; save"
                " the one that is meant in a file of its own"
            )
        found[key] = arrays[name]
    if not found:
        raise ConversionError(
            f"{path} holds no MoViNet: none of its {len(rest)} arrays is named like a layer of"
            " TensorFlow Model Garden's"
        )
    return found, tuple(sorted({*rest, *arrays} - matches.keys()))


def _numbers(name: str) -> list[int]:
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


def _shown_options(
    path: Path, described: str, overrides: Mapping[str, object]
) -> dict[str, object]:
    """What a whole model's description tells; nothing, for weights alone."""
    try:
        model = json.loads(described or "{}").get("config", {})
        backbone = model.get("backbone", {}).get("config", {})
        functions = {
            "activation": _name(backbone.get("activation")),
            "head_activation": _name(model.get("activation")),
        }
        image = model.get("input_specs", {}).get("image", {}).get("config", {})
        shape = list(image.get("shape") or ())
        is_base = backbone.get("causal") is False
    except (ValueError, RecursionError, AttributeError, TypeError):
        raise ConversionError(f"{path} describes its model in a way that cannot be used") from None
    if is_base:
        raise ConversionError(
            f"{path} holds a base model (causal=False), which looks at future frames and cannot run"
            " frame by frame; use the stream model"
        )
    shown: dict[str, object] = {}
    for option, name in functions.items():
        if name in _ACTIVATIONS:
            shown[option] = _ACTIVATIONS[name]
        elif name is not None and option not in overrides:
            what = option.replace("_", "-")
            known = dict.fromkeys(function.value for function in _ACTIVATIONS.values())
            raise ConversionError(
                f"{path} says that its {what} is {name!r}, which is not known; if it is one of"
                f" {', '.join(known)}, say so with --{what}"
            )
    # (batch, time, height, width, 3)
    if len(shape) == 5 and None not in shape[2:4]:
        if shape[2] != shape[3] or not isinstance(shape[2], int):
            raise ConversionError(f"{path} takes frames of {shape[3]} x {shape[2]} pixels")
        shown["image_size"] = shape[2]
    return shown


def _name(described: object) -> str | None:
    """Of a function, which may be described by more than its name."""
    if isinstance(described, Mapping):
        described = described.get("config")
        if isinstance(described, Mapping):
            described = described.get("name")
    return None if described is None else str(described)
