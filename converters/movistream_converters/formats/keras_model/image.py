"""What the network sees of an image: by the command, and by the model's first layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from movistream_converters.errors import ConversionError
from movistream_converters.formats.source import Finding
from movistream_converters.ir.layers import Image

_PIXELS = (0.0, 255.0)
_MOST_SEEN = 16.0
"""Where 0 and 255 are scaled to no more than this, a model takes them for what they are."""
_LEAST_STD, _LARGEST_STD = 1e-6, 1e6

Scaling = tuple[tuple[float, ...], tuple[float, ...]]
"""(factor, offset) of each channel."""


def image_of_model(
    path: Path, channels: int, scaling: Scaling, overrides: Mapping[str, object]
) -> tuple[Image, Image, tuple[Finding, ...]]:
    """The image of a network, what the model is given of it, and what it was decided by.

    Args:
        path: of the file, for errors.
        scaling: that the model's first layers apply to what it is given.
        overrides: ``mean``, ``std`` and ``value_range`` of what the model is given.

    Raises:
        ConversionError: if neither says in what range values are, or the numbers make no image.
    """
    told = {name: overrides.get(name) for name in ("value_range", "mean", "std")}
    mean = _numbers(path, "mean", told["mean"], channels) or (0.0,) * channels
    std = _numbers(path, "std", told["std"], channels) or (1.0,) * channels
    value_range = _numbers(path, "value_range", told["value_range"], 2)
    findings = [
        Finding(name, tuple(map(float, value)), "the command")
        for name, value in told.items()
        if isinstance(value, list | tuple)
    ]
    if not value_range:
        value_range = _PIXELS
        is_scaled = scaling != ((1.0,) * channels, (0.0,) * channels)
        if not is_scaled or told["mean"] or told["std"] or not _fits(scaling):
            raise ConversionError(
                f"{path} does not say in what range it is given the values of an image: say with"
                " --value-range what 0 and 255 become (0,1 or -1,1 or 0,255), and with --mean and"
                " --std what is done to each channel behind that, if anything"
            )
        findings.append(
            Finding("value_range", _PIXELS, "the model's first layers, which scale 0 to 255")
        )
    try:
        low, high = value_range
        given = Image(channels, (low, high), mean, std)
        return _scaled(value_range, mean, std, scaling), given, tuple(findings)
    except ValueError as error:
        raise ConversionError(f"{path} makes no image: {error}") from None


def _scaled(
    value_range: tuple[float, ...],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    scaling: Scaling,
) -> Image:
    """((v − mean) / std) · factor + offset, as one layer."""
    low, high = value_range
    factors, offsets = scaling
    own_std = tuple(s / f for s, f in zip(std, factors, strict=True))
    own_mean = tuple(m - o * s for m, o, s in zip(mean, offsets, own_std, strict=True))
    if len(set(own_std)) == len(set(own_mean)) == 1:
        # One for all channels: a range says it, and fewer operators do it.
        shared_low, shared_high = ((value - own_mean[0]) / own_std[0] for value in (low, high))
        return Image(len(std), (shared_low, shared_high))
    if not all(_LEAST_STD <= s <= _LARGEST_STD for s in own_std):
        raise ValueError("its first layers scale channels too far")
    return Image(len(std), (low, high), own_mean, own_std)


def _fits(scaling: Scaling) -> bool:
    """Whether what 0 and 255 become is of the size that networks see."""
    ends = [f * v + o for f, o in zip(*scaling, strict=True) for v in _PIXELS]
    return max(map(abs, ends)) <= _MOST_SEEN


def _numbers(path: Path, name: str, value: Any, count: int) -> tuple[float, ...]:
    if value is None:
        return ()
    if (
        not isinstance(value, list | tuple)
        or len(value) not in (1, count)
        or not all(type(v) in (int, float) and math.isfinite(v) for v in value)
        or (name == "std" and min(value) <= 0)
    ):
        option = f"--{name.replace('_', '-')}"
        raise ConversionError(f"{path}: {option} has to be {count} numbers, not {value!r:.60}")
    return tuple(float(v) for v in value) * (count if len(value) == 1 < count else 1)
