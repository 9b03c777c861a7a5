"""The options of a MoViNet that findings tell: what its manifest and its weights file keep.

Options are evidence, found by a reader, and no part of a :class:`.source.Source`: what follows from
the network (classes, image size, horizon) is taken from there, whatever was found.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, fields, replace
from enum import Enum
from typing import Any, get_type_hints

import msgspec

from movistream_converters.formats.source import Finding, Source
from movistream_converters.ir.network import classes_of, horizon_of
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import (
    MovinetOptions,
    SqueezeExciteType,
    build_movinet,
    default_options,
)

GUESSED = "guessed"
"""In a manifest's options: names of others there, with spaces between."""

INVISIBLE = ("activation", "gating", "head_activation")
"""Options that decide what a network computes, and that no shape of a weight shows."""

_NAME = re.compile(r"movinet-([a-z]+\d*)-(stream|base)")
_OF_THE_NAME = ("architecture", "causal")


def movinet_source(
    options: MovinetOptions,
    weights: Weights,
    name: str = "",
    source_format: str = "",
    labels: tuple[str, ...] = (),
) -> Source:
    """A MoViNet that no file was read for: all its options are known."""
    return Source(
        network=build_movinet(options),
        weights=weights,
        name=name,
        format=source_format,
        labels=labels,
        frames_per_second=options.frames_per_second,
        findings=findings_of(options, "the program"),
    )


def findings_of(
    options: MovinetOptions, source: str, guessed: Collection[str] = ()
) -> tuple[Finding, ...]:
    """What :func:`options_of` takes options from.

    Args:
        source: what decided them.
        guessed: names of those that nothing has told.
    """
    values = {name: getattr(options, name) for name in _option_names()}
    if options.se_type is SqueezeExciteType.NONE:
        del values["gating"]
    return (
        Finding("architecture", options.name, source),
        *(
            Finding(name, value, source, name in guessed)
            for name, value in values.items()
            if value is not None
        ),
    )


def options_of(source: Source) -> MovinetOptions | None:
    """The options of a source's network; None where nobody has found it to be a MoViNet.

    Raises:
        ValueError: if a finding's value is none of its option's.
    """
    found = {finding.option: finding.value for finding in source.findings}
    match = _NAME.fullmatch(str(found.get("architecture")))
    height, width = source.network.image_size
    if match is None or height != width:
        return None
    types = get_type_hints(MovinetOptions)
    values: dict[str, Any] = {
        name: msgspec.convert(found[name], types[name]) for name in _option_names() if name in found
    }
    table = values.get("table")
    options = default_options(match[1], causal=match[2] == "stream", table=table)
    if source.frames_per_second is not None:
        values["frames_per_second"] = source.frames_per_second
    return replace(
        options,
        **values
        | {
            "num_classes": classes_of(source.network),
            "image_size": height,
            "horizon_frames": horizon_of(source.network),
        },
    )


def manifest_options(source: Source) -> dict[str, str | int | float | bool]:
    """What a manifest says of a MoViNet, by name; nothing of other networks."""
    if (options := options_of(source)) is None:
        return {}
    told: dict[str, str | int | float | bool] = {
        name: value.value if isinstance(value, Enum) else value
        for name, value in asdict(options).items()
        if value is not None
        and name != "table"
        and (name != "gating" or options.se_type is not SqueezeExciteType.NONE)
    }
    if guesses := unseen_guesses(source):
        told[GUESSED] = " ".join(guesses)
    return told


def unseen_guesses(source: Source) -> tuple[str, ...]:
    """Names of options that decide what the network computes, and that nothing has told."""
    return tuple(f.option for f in source.findings if f.guessed and f.option in INVISIBLE)


def _option_names() -> tuple[str, ...]:
    names = (field.name for field in fields(MovinetOptions))
    return tuple(name for name in names if name not in _OF_THE_NAME)
