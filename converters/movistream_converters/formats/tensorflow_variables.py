"""Variables of a MoViNet as TensorFlow stores them, named by attributes of Model Garden's code.

Checkpoints name weights by attribute path, for example
``model/layer_with_weights-0/layer_with_weights-3/_expansion/_conv/_conv/kernel``: the backbone's
layers are numbered (stem, blocks, head), and the classifier stands beside the backbone. Kernels
are stored for one of three convolution types:

- ``2plus1d``: Conv2D (height, width, in, out) and DepthwiseConv2D (height, width, channels, 1);
  temporal kernels (time, 1, channels, 1);
- ``3d_2plus1d``: Conv3D with a singleton axis, grouped kernels (time, height, width, 1, channels);
- ``3d``: the same with joint kernels.

All of them reach the canonical form by a reshape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from movistream.native_stderr import first_line
from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden_names import stored_kernel_shapes, variable_paths
from movistream_converters.formats.recognition import Evidence, looks_like, recognise
from movistream_converters.formats.source import Source
from movistream_converters.movinet import build_movinet
from movistream_converters.network import Convolution, Network, weight_shapes
from movistream_converters.weights import Mismatch, Weights, non_finite

Arrays = Mapping[str, npt.NDArray[Any]]

READ_ERRORS = (tf.errors.OpError, RuntimeError, ValueError, LookupError, OSError)
"""The reader translates its errors into these, by what they say."""

# bfloat16 is of kind V: it is not numpy's own.
_FLOAT_KINDS = "fV"
_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_LAYER = re.compile(
    r"^(?P<root>.*?)layer_with_weights-(?P<index>\d+)/"
    r"(?P<rest>_(?:stem|expansion|feature|attention|projection|mobile_bottleneck|skip|project"
    r"|head|classifier)/.+)$"
)
_CLASSIFIER = ("_head/", "_classifier/")


@dataclass(frozen=True)
class Variables:
    """What a reader of TensorFlow's has found.

    Attributes:
        reader: of ``tf.train.load_checkpoint``.
        shapes: by key.
        keys: by attribute path.
    """

    reader: Any
    shapes: Mapping[str, tuple[int, ...]]
    keys: Mapping[str, str]


@dataclass(frozen=True)
class MovinetVariables:
    """A file's MoViNet variables, by normalised path (see :mod:`.model_garden_names`).

    Attributes:
        reader: gives the value of a key.
        shapes: by path.
        keys: by path.
        unused: names of what belongs to no layer: an optimizer's slots, counters, metrics.
    """

    reader: Any
    shapes: Mapping[str, tuple[int, ...]]
    keys: Mapping[str, str]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class _ArrayReader:
    """Arrays, read as a checkpoint's variables are."""

    arrays: Arrays

    def get_tensor(self, key: str) -> npt.NDArray[Any]:
        return self.arrays[key]


def array_variables(arrays: Arrays, unused: tuple[str, ...] = ()) -> MovinetVariables:
    """Arrays, by normalised path, as variables."""
    shapes = {path: array.shape for path, array in arrays.items()}
    return MovinetVariables(_ArrayReader(arrays), shapes, {path: path for path in arrays}, unused)


def open_variables(path: Path, prefix: str) -> Variables:
    """Opens the files of a prefix; their keys are their attribute paths.

    Args:
        path: of the source, for messages.

    Raises:
        ConversionError: if they cannot be read.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    except READ_ERRORS as error:
        raise ConversionError(
            f"{path} is not a readable checkpoint: {first_line(str(error))}"
        ) from None
    return Variables(reader, shapes, {key.removesuffix(_SUFFIX): key for key in shapes})


def movinet_variables(file: Path, stored: Variables) -> MovinetVariables:
    """Finds the variables of a MoViNet's layers.

    Raises:
        ConversionError: if it holds no MoViNet, or several.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    keys: dict[str, str] = {}
    roots: dict[bool, set[str]] = {False: set(), True: set()}
    for name, key in sorted(stored.keys.items()):
        match = _LAYER.match(name)
        if match is None or ".OPTIMIZER_SLOT" in key:
            continue
        rest = re.sub(r"(_conv(?:_temporal)?)/_conv/", r"\1/", match["rest"])
        rest = rest.replace("depthwise_kernel", "kernel")
        in_classifier = rest.startswith(_CLASSIFIER)
        roots[in_classifier].add(match["root"])
        path = rest if in_classifier else f"{match['index']}/{rest}"
        shapes[path] = stored.shapes[key]
        keys[path] = key
    if several := next((found for found in roots.values() if len(found) > 1), None):
        raise ConversionError(
            f"{file} holds {len(several)} MoViNets, at {', '.join(sorted(several))}; save the"
            " one that is meant in a checkpoint of its own"
        )
    if not shapes:
        raise ConversionError(
            f"{file} holds no MoViNet: none of its {len(stored.keys)} variables is named like a"
            " MoViNet layer of TensorFlow Model Garden"
        )
    unused = set(stored.keys.values()) - set(keys.values())
    names = tuple(sorted(key.removesuffix(_SUFFIX) for key in unused))
    return MovinetVariables(stored.reader, shapes, keys, names)


def read_network(
    path: Path,
    variables: MovinetVariables,
    evidence: Evidence,
    architecture: str | None,
    overrides: Mapping[str, object] | None,
) -> Source:
    """Recognises the network of some variables, and reads its weights.

    Args:
        path: of the file, for messages.
        evidence: of the variables' shapes, and of what else the file shows.

    Raises:
        ConversionError: if it is no MoViNet stream model, does not fit the architecture or the
            overrides, or its weights are damaged or no finite numbers.
    """
    options, findings = recognise(path, evidence, architecture, overrides or {})
    network = build_movinet(options)
    weights = _read_weights(path, variables, network)
    return Source(options, network, weights, findings, variables.unused)


def _read_weights(path: Path, variables: MovinetVariables, network: Network) -> Weights:
    """A network's weights under their canonical names."""
    shapes, keys = variables.shapes, variables.keys
    layers = {node.name: node.layer for node in network.nodes}
    paths = variable_paths(network)
    expected_shapes = weight_shapes(network)
    missing, wrong_shape = [], []
    for name, expected in expected_shapes.items():
        found = shapes.get(paths[name])
        node, _, weight = name.rpartition(".")
        layer = layers[node]
        forms = [expected]
        if isinstance(layer, Convolution) and weight == "kernel":
            forms = stored_kernel_shapes(layer, expected)
        if found is None:
            missing.append(name)
        elif found not in forms:
            nearest = next((form for form in forms if len(form) == len(found)), forms[0])
            wrong_shape.append((name, nearest, found))
    unexpected = sorted(set(shapes) - set(paths.values()))
    mismatch = Mismatch(tuple(missing), tuple(unexpected), tuple(wrong_shape))
    if mismatch:
        raise ConversionError(
            f"{path} does not fit {network.name}{looks_like(shapes, network)}:\n"
            + mismatch.describe()
        )
    weights: Weights = {}
    for name, expected in expected_shapes.items():
        try:
            value = variables.reader.get_tensor(keys[paths[name]])
        except READ_ERRORS as error:
            raise ConversionError(
                f"{path} is damaged: {keys[paths[name]]} cannot be read: {first_line(str(error))}"
            ) from None
        if value.dtype.kind not in _FLOAT_KINDS:
            raise ConversionError(f"{path} holds {value.dtype} numbers in {keys[paths[name]]}")
        weights[name] = np.asarray(value, np.float32).reshape(expected)
    if names := non_finite(weights):
        raise ConversionError(f"{path} holds NaN or infinite weights, first in {names[0]}")
    return weights
