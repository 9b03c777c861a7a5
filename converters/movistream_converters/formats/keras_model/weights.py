"""A layer's arrays, held against what it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.formats.keras_model.description import KerasLayer, refused


def checked(layer: KerasLayer, value: Any, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """A layer's weights as float32.

    Raises:
        ConversionError: if they are missing, of another shape, or no finite numbers.
    """
    if value is None:
        raise refused(
            layer, "has weights missing in the file; it may be damaged, or share them with another"
        )
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise refused(layer, f"has weights of {printable(str(array.dtype))}, which are no numbers")
    if array.shape != shape:
        raise refused(layer, f"has weights of {list(array.shape)} where {list(shape)} fit")
    with np.errstate(over="ignore"):
        kept = np.ascontiguousarray(array, np.float32).reshape(shape)
    if not np.isfinite(kept).all():
        raise refused(layer, "has weights that are NaN or infinite")
    return kept


def weights_of(layer: KerasLayer, count: int) -> list[Any]:
    """A layer's arrays.

    Raises:
        ConversionError: if there are not so many.
    """
    if len(layer.weights) != count:
        raise refused(
            layer,
            f"has {len(layer.weights)} arrays in the file and needs {count}; the file may be"
            " damaged, or the layer share them with another",
        )
    for array in layer.weights:
        if array.dtype.kind not in "fiu":
            raise refused(
                layer, f"has weights of {printable(str(array.dtype))}, which are no numbers"
            )
    with np.errstate(over="ignore"):
        return [np.asarray(array, np.float32) for array in layer.weights]


def shaped(layer: KerasLayer, array: Any, *shapes: tuple[int, ...]) -> Any:
    """Arrays, known to have a certain shape.

    Args:
        shapes: that Keras gives it, and that it is to have.

    Raises:
        ConversionError: if it has another.
    """
    expected, wanted = shapes
    if array.shape != expected:
        raise refused(layer, f"has weights of {list(array.shape)} where {list(expected)} fit")
    return array.reshape(wanted)
