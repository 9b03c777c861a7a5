"""What lies beside a checkpoint and says what weights do not show.

A ``meta.json`` in the folder of a checkpoint may hold any options of a MoViNet that weights leave
open, by the names of :class:`.MovinetOptions`: ``{"image_size": 128, "activation": "relu6"}``.
Whatever else it holds is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from movistream_converters.errors import ConversionError
from movistream_converters.networks.movinet import MovinetOptions

NAME = "meta.json"
_OPTIONS = ("image_size", "frames_per_second", "se_type", "activation", "gating", "head_activation")
_MOST_BYTES = 1 << 20


def description_beside(path: Path, overrides: Mapping[str, object]) -> dict[str, Any]:
    """Options by name; none where there is no such file, or it is another program's.

    Args:
        path: of a checkpoint, or of its folder.
        overrides: options that the user has set, which are not looked at.

    Raises:
        ConversionError: if it says something impossible of an option.
    """
    file = (path if path.is_dir() else path.parent) / NAME
    try:
        data = file.read_bytes() if file.stat().st_size <= _MOST_BYTES else b""
        found = msgspec.json.decode(data, type=dict[str, Any])
    except (OSError, msgspec.DecodeError, RecursionError):
        return {}
    types = get_type_hints(MovinetOptions)
    described = {}
    for option in _OPTIONS:
        if option in found and overrides.get(option) is None:
            try:
                described[option] = msgspec.convert(found[option], types[option])
            except msgspec.ValidationError as error:
                raise ConversionError(
                    f"{file} says of {option.replace('_', ' ')} what cannot be: {error}; correct"
                    " or remove it, or say the option"
                ) from None
    return described
