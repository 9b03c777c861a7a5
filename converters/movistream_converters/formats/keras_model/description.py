"""A model as data: its layers and their calls, in the order in which they run.

Format: ``get_config`` of Keras 3's ``Functional`` and ``Sequential`` (keras-team/keras,
Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from movistream.system.text import printable
from movistream_converters.errors import ConversionError

FUNCTIONAL, SEQUENTIAL, INPUT = "Functional", "Sequential", "InputLayer"
OPERATION = "ops."
"""Before the class of what a function of ``keras.ops`` has become."""


@dataclass(frozen=True)
class KerasLayer:
    """A layer as its file describes it.

    Attributes:
        path: of the file, for errors.
        class_name: without its module.
        name: that it has in its model.
        place: its name behind those of the models and wrappers around it, for people.
        config: what ``get_config`` gave; whatever a file may hold.
        weights: in the order in which the layer made them; of recurrent layers, their cell's.
        is_keras: whether the class is Keras' own.
        inner: what a wrapper wraps.
        model: what it is, if it is a model.
    """

    path: Path
    class_name: str
    name: str
    place: str
    config: Mapping[str, Any]
    weights: tuple[npt.NDArray[Any], ...] = ()
    is_keras: bool = True
    inner: KerasLayer | None = None
    model: Model | None = None


@dataclass(frozen=True)
class Call:
    """A layer applied.

    Attributes:
        inputs: which calls of the model it reads.
        others: names of what else it is given.
    """

    layer: KerasLayer
    inputs: tuple[int, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """A functional or sequential model.

    Attributes:
        calls: each behind those that it reads; the last gives the model's output, and the first
            is the input (:data:`INPUT`).
    """

    name: str
    calls: tuple[Call, ...]


def refused(layer: KerasLayer, reason: str) -> ConversionError:
    """The error of a layer that cannot be.

    Args:
        reason: what is wrong with it, going on behind its name, and what to do.
    """
    return ConversionError(
        f"{layer.path}: layer {printable(layer.place)} ({printable(layer.class_name)}) {reason}"
    )
