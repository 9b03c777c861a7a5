"""What lies beside a checkpoint and says what weights do not show.

A ``meta.json`` in the folder of a checkpoint may hold any options of a MoViNet that weights leave
open, by the names of :class:`.MovinetOptions`: ``{"image_size": 128, "activation": "relu6"}``.
Whatever else it holds is not looked at. Other programs write files of this name too, so what is
said of an option in words that are not its own decides nothing, and is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from movistream_converters.networks.movinet import MovinetOptions

NAME = "meta.json"
_OPTIONS = ("image_size", "frames_per_second", "se_type", "activation", "gating", "head_activation")
_MOST_BYTES = 1 << 20
_MOST_CHARACTERS = 60


@dataclass(frozen=True)
class Description:
    """What is said of options.

    Attributes:
        options: by name.
        unclear: by name of an option, the beginning of what is said where that is none of its
            values.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)


def description_beside(path: Path) -> Description:
    """What lies beside a checkpoint; nothing where there is no such file, or it holds no object.

    Args:
        path: of a checkpoint, or of its folder.
    """
    file = (path if path.is_dir() else path.parent) / NAME
    try:
        data = file.read_bytes() if file.stat().st_size <= _MOST_BYTES else b""
        found = msgspec.json.decode(data, type=dict[str, Any])
    except (OSError, msgspec.DecodeError, RecursionError):
        return Description()
    types = get_type_hints(MovinetOptions)
    options, unclear = {}, {}
    for option in _OPTIONS:
        if option in found:
            try:
                options[option] = msgspec.convert(found[option], types[option])
            except msgspec.ValidationError:
                unclear[option] = ascii(found[option])[:_MOST_CHARACTERS]
    return Description(options, unclear)
