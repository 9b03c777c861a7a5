"""What a layer's configuration says, checked: a file may say anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.keras_model.description import KerasLayer, refused

_LARGEST = 2**16
_LARGEST_REAL = 1e6
_LARGEST_SCALING = 1e12
"""Of factors, means and variances of images."""
_POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")
"""Under which weights are float32; the network is computed in float32."""


def check_common(layer: KerasLayer) -> None:
    """Refuses what has no meaning here, whatever the layer.

    Raises:
        ConversionError: if its weights are not float32, or channels come first.
    """
    policy = layer.config.get("dtype")
    if isinstance(policy, Mapping):
        inner = policy.get("config")
        policy = inner.get("name") if isinstance(inner, Mapping) else None
    if policy is not None and policy not in _POLICIES:
        raise refused(
            layer,
            f"is of the dtype policy {printable(str(policy))[:40]}; save the model in float32",
        )
    if layer.config.get("data_format") == "channels_first":
        raise refused(layer, "has channels first; build the model with channels last")
    if layer.config.get("lora_rank") is not None:
        raise refused(layer, "is adapted by LoRA; save a model whose weights are merged")


def flag(layer: KerasLayer, field: str, default: bool) -> bool:
    """A truth value."""
    value = layer.config.get(field, default)
    if type(value) is not bool:
        raise _odd(layer, field, value)
    return value


def integer(layer: KerasLayer, field: str, default: int | None = None) -> int:
    """A whole number of at least 1."""
    value = layer.config.get(field, default)
    if type(value) is not int or not 1 <= value <= _LARGEST:
        raise _odd(layer, field, value)
    return value


def integers(
    layer: KerasLayer, field: str, count: int, default: int | None = None
) -> tuple[int, ...]:
    """So many whole numbers of at least 1; one may stand for all."""
    value = layer.config.get(field, default)
    values = [value] * count if type(value) is int else value
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(type(v) is int and 1 <= v <= _LARGEST for v in values)
    ):
        raise _odd(layer, field, value)
    return tuple(values)


def pairs(layer: KerasLayer, field: str, count: int) -> tuple[tuple[int, int], ...]:
    """So many pairs (before, behind) of whole numbers of at least 0."""
    value = layer.config.get(field)
    sides = value
    if type(value) is int:
        sides = [[value, value]] * count
    elif isinstance(value, list) and count == 1 and all(type(v) is int for v in value):
        sides = [value]
    elif isinstance(value, list) and all(type(v) is int for v in value):
        sides = [[v, v] for v in value]
    if (
        not isinstance(sides, list)
        or len(sides) != count
        or not all(
            isinstance(side, list)
            and len(side) == 2
            and all(type(v) is int and 0 <= v <= _LARGEST for v in side)
            for side in sides
        )
    ):
        raise _odd(layer, field, value)
    return tuple((side[0], side[1]) for side in sides)


def choice(layer: KerasLayer, field: str, known: tuple[str, ...], default: str) -> str:
    """One of some words."""
    value = layer.config.get(field, default)
    if value not in known:
        raise _odd(layer, field, value)
    return str(value)


def real(layer: KerasLayer, field: str, default: float | None = None) -> float:
    """A finite number of at most a million."""
    value = layer.config.get(field, default)
    if type(value) not in (int, float) or not abs(value) <= _LARGEST_REAL:
        raise _odd(layer, field, value)
    return float(value)


def reals(layer: KerasLayer, field: str, count: int, default: float | None = None) -> list[float]:
    """A number for each channel; one may stand for all, in lists of lists too."""
    value = layer.config.get(field, default)
    values = value
    if isinstance(values, Mapping):  # A NumPy array, as Keras describes it.
        inner = values.get("config")
        values = inner.get("value") if isinstance(inner, Mapping) else None
    while isinstance(values, list) and len(values) == 1:
        values = values[0]
    if type(values) in (int, float):
        values = [values] * count
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(type(v) in (int, float) and abs(v) <= _LARGEST_SCALING for v in values)
    ):
        raise _odd(layer, field, value)
    return [float(v) for v in values]


def is_last_axis(layer: KerasLayer, rank: int) -> bool:
    """Whether a layer goes along channels.

    Args:
        rank: of the tensor that it reads, the batch included.
    """
    axis = layer.config.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    return type(axis) is int and axis in (-1, rank - 1)


def _odd(layer: KerasLayer, field: str, value: Any) -> ConversionError:
    return refused(
        layer, f"has {value!r:.80} as {field}, which cannot be used; the file may be damaged"
    )
