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

from movistream.system.native_stderr import first_line
from movistream_converters.errors import ConversionError
from movistream_converters.formats.limits import check_weights
from movistream_converters.formats.model_garden.arrays import Arrays

READ_ERRORS = (tf.errors.OpError, RuntimeError, ValueError, LookupError, OSError)
"""The reader translates its errors into these, by what they say."""

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


def movinet_arrays(file: Path, stored: Variables) -> tuple[Arrays, tuple[str, ...]]:
    """Reads the variables of a MoViNet's layers.

    Returns:
        Arrays by normalised path, and the names of what belongs to no layer: an optimizer's slots,
        counters, metrics.

    Raises:
        ConversionError: if it holds no MoViNet, or several, or is damaged.
    """
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
        keys[rest if in_classifier else f"{match['index']}/{rest}"] = key
    if several := next((found for found in roots.values() if len(found) > 1), None):
        raise ConversionError(
            f"{file} holds {len(several)} MoViNets, at {', '.join(sorted(several))}; save the"
            " one that is meant in a checkpoint of its own"
        )
    if not keys:
        raise ConversionError(
            f"{file} holds no MoViNet: none of its {len(stored.keys)} variables is named like a"
            " MoViNet layer of TensorFlow Model Garden"
        )
    check_weights(file, [stored.shapes[key] for key in keys.values()])
    arrays = {path: _read(file, stored, key) for path, key in keys.items()}
    unused = set(stored.keys.values()) - set(keys.values())
    return arrays, tuple(sorted(key.removesuffix(_SUFFIX) for key in unused))


def _read(file: Path, stored: Variables, key: str) -> npt.NDArray[Any]:
    try:
        value: npt.NDArray[Any] = np.asarray(stored.reader.get_tensor(key))
    except READ_ERRORS as error:
        raise ConversionError(
            f"{file} is damaged: {key} cannot be read: {first_line(str(error))}"
        ) from None
    return value
