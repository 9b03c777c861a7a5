"""From a state dict's tensors to the weights of a network: names, axes, and what does not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream_converters.errors import ConversionError
from movistream_converters.formats.source import Finding
from movistream_converters.formats.torch_file import pickled_text, safetensors_names
from movistream_converters.ir.network import Network, weight_shapes
from movistream_converters.ir.weights import Mismatch, Weights, non_finite

NORM: Mapping[str, str] = MappingProxyType(
    {"gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}
)
"""PyTorch's names of a batch norm's weights, by canonical ones."""


def holds_first(path: Path, pattern: re.Pattern[str], first: str) -> bool:
    """Whether a file holds a tensor that is named as a network's first one.

    Args:
        pattern: of the name, with all that may stand before it.
        first: the name itself.
    """
    if path.suffix == ".safetensors":
        return any(pattern.match(name) for name in safetensors_names(path))
    return first.encode() in pickled_text(path)


def of_the_network(
    path: Path,
    tensors: Mapping[str, npt.NDArray[Any]],
    pattern: re.Pattern[str],
    network: str,
    called: str,
) -> tuple[str, dict[str, npt.NDArray[Any]]]:
    """What stands before all names, and the network's own tensors without it.

    Args:
        pattern: of the first one's name, with what stands before it as its group ``root``.
        network: what it is, for people.
        called: how the first one's name is described to them.

    Raises:
        ConversionError: if none has it.
    """
    roots = sorted(match["root"] for name in tensors if (match := pattern.match(name)) is not None)
    if not roots:
        raise ConversionError(
            f"{path} holds no {network}: none of its {len(tensors)} tensors is {called}"
        )
    root = roots[0]
    return root, {
        name.removeprefix(root): value for name, value in tensors.items() if name.startswith(root)
    }


def fitted(
    path: Path,
    network: Network,
    places: Mapping[str, str],
    tensors: Mapping[str, npt.NDArray[Any]],
) -> Weights:
    """The weights of a network.

    Args:
        path: of the file, for errors.
        places: where each of them stands in the state dict, by canonical name.
        tensors: of the state dict.

    Raises:
        ConversionError: if one is missing, has another shape, or is no number.
    """
    shapes = weight_shapes(network)
    turned = {
        name: _turned(tensors[place], shapes[name])
        for name, place in places.items()
        if place in tensors
    }
    mismatch = Mismatch(
        tuple(places[name] for name in shapes if name not in turned),
        (),
        tuple(
            (places[name], shapes[name], array.shape)
            for name, array in turned.items()
            if array.shape != shapes[name]
        ),
    )
    if mismatch:
        raise ConversionError(f"{path} does not fit {network.name}:\n{mismatch.describe()}")
    weights = {name: np.ascontiguousarray(turned[name], np.float32) for name in shapes}
    if names := non_finite(weights):
        raise ConversionError(f"{path} holds NaN or infinite weights, first in {places[names[0]]}")
    return weights


def _turned(array: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """(out, in, time, height, width) to the axes of canonical names; what is of one frame has no
    time, and a dense layer's (out, in) sees one pixel."""
    if array.ndim == 2:
        array = array[:, :, None, None, None]
    if array.ndim == 4:
        array = array[:, :, None]
    if array.ndim != 5:
        return array
    turned: npt.NDArray[Any] = array.transpose(2, 3, 4, 1, 0)
    if len(shape) == 5:
        return turned
    return turned[:, :, :, 0] if array.shape[1] == 1 else turned[0]


def decided(option: str, value: object, overrides: Mapping[str, object], otherwise: str) -> Finding:
    """What an option is, and whether the command told it."""
    told = option in overrides
    return Finding(option, value, "the command" if told else otherwise, guessed=not told)
