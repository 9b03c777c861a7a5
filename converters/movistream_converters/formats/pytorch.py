"""State dicts in the layout of MoViNet-pytorch, the PyTorch port of the released weights.

Names and axes are brought to those of Model Garden, and read on as its variables are. The port's
gates are Keras 2's hard-sigmoid. :mod:`.torch_file` reads the files themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden.arrays import Arrays, read_network, shapes_of
from movistream_converters.formats.recognition import evidence_of_shapes
from movistream_converters.formats.source import Source
from movistream_converters.formats.torch_file import (
    SUFFIXES,
    holds_pickle,
    load_tensors,
    safetensors_names,
)
from movistream_converters.ir.layers import ActivationFunction

_STEM = re.compile(r"^(?P<root>.*?)conv1\.conv_1\.(?:conv2d|conv3d)\.weight$")
_BLOCK = re.compile(r"blocks\.b(\d+)_l(\d+)\.")
_LAYER = re.compile(
    r"(?:(?P<end>conv1|conv7|classifier\.[03])"
    r"|(?P<block>blocks\.b\d+_l\d+)\.(?:(?P<part>expand|deep|project|se\.fc1|se\.fc2)|res\.\d))"
    r"\.conv_(?P<number>[12])\.(?P<kind>conv2d|conv3d|norm)\.(?P<weight>\w+)"
)
_ALPHA = re.compile(r"blocks\.b\d+_l\d+\.alpha")
_PARTS = {
    "expand": "_expansion",
    "deep": "_feature",
    "project": "_projection",
    "se.fc1": "_attention/_se_reduce",
    "se.fc2": "_attention/_se_expand",
    None: "_skip/_projection",
}
_NORMS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_COUNTER = "num_batches_tracked"


def sniff(path: Path) -> bool:
    """Whether a file holds tensors of PyTorch's, or is named as if it did."""
    if not path.is_file():
        return False
    if path.suffix == ".safetensors":
        return any(_STEM.match(name) for name in safetensors_names(path))
    return path.suffix in SUFFIXES or holds_pickle(path)


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a state dict and recognises its network.

    Args:
        path: a ``.safetensors`` file, or one of ``torch.save``.
        architecture: such as ``movinet-a0-stream``; by default recognised from the shapes.
        overrides: fields of :class:`.MovinetOptions` that the user has set.

    Raises:
        ConversionError: if it is damaged, holds more than tensors, it is not a MoViNet stream
            model, or it does not fit the architecture or the overrides.
        MissingExtraError: if it takes PyTorch to read it, which is not installed.
    """
    arrays, unused = _by_model_garden_path(path, load_tensors(path))
    evidence = replace(
        evidence_of_shapes(shapes_of(arrays)),
        where="the state dict",
        customs={
            "gating": (ActivationFunction.HARD_SIGMOID_KERAS, "what is usual for state dicts")
        },
    )
    return read_network(path, arrays, unused, evidence, architecture, overrides)


def _by_model_garden_path(
    path: Path, arrays: Arrays
) -> tuple[dict[str, npt.NDArray[Any]], tuple[str, ...]]:
    """Arrays in Model Garden's names and axes, those of no known name as they are; and the rest."""
    roots = sorted({match["root"] for name in arrays if (match := _STEM.match(name)) is not None})
    if not roots:
        raise ConversionError(
            f"{path} holds no MoViNet: none of its {len(arrays)} tensors is named like the first"
            " layer of MoViNet-pytorch, conv1.conv_1.conv2d.weight"
        )
    root = roots[0]
    own = {
        name.removeprefix(root): array for name, array in arrays.items() if name.startswith(root)
    }
    blocks = sorted({tuple(map(int, m.groups())) for name in own if (m := _BLOCK.match(name))})
    numbers = {f"blocks.b{block}_l{layer}": i + 1 for i, (block, layer) in enumerate(blocks)}
    found: dict[str, npt.NDArray[Any]] = {}
    for name, array in own.items():
        if name.endswith(_COUNTER):
            continue
        key, value = _renamed(name, array, numbers)
        found[key] = value
    foreign = [name for name in arrays if not name.startswith(root)]
    counters = [root + name for name in own if name.endswith(_COUNTER)]
    return found, tuple(sorted((*foreign, *counters)))


def _renamed(
    name: str, array: npt.NDArray[Any], numbers: Mapping[str, int]
) -> tuple[str, npt.NDArray[Any]]:
    if _ALPHA.fullmatch(name):
        return f"{numbers[name.removesuffix('.alpha')]}/_mobile_bottleneck/_rezero/scale", array
    match = _LAYER.fullmatch(name)
    if match is None:
        return name, array
    place = _place(match, numbers)
    temporal = "_temporal" if match["number"] == "2" else ""
    if match["kind"] == "norm":
        variable = _NORMS.get(match["weight"])
        return (name if variable is None else f"{place}/_batch_norm{temporal}/{variable}"), array
    if match["weight"] == "bias":
        return f"{place}/_conv{temporal}/bias", array
    if match["weight"] != "weight" or array.ndim not in (4, 5):
        return name, array
    # (out, in, …) to (…, in, out); depthwise kernels are (channels, 1, …).
    space = tuple(range(2, array.ndim))
    flat_depthwise = match["part"] == "deep" and array.ndim == 4
    axes = (*space, 0, 1) if flat_depthwise else (*space, 1, 0)
    return f"{place}/_conv{temporal}/kernel", array.transpose(axes)


def _place(match: re.Match[str], numbers: Mapping[str, int]) -> str:
    if match["block"] is not None:
        return f"{numbers[match['block']]}/{_PARTS[match['part']]}"
    ends = {
        "conv1": "0/_stem",
        "conv7": f"{len(numbers) + 1}/_project",
        "classifier.0": "_head",
        "classifier.3": "_classifier",
    }
    return ends[match["end"]]
