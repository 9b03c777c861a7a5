"""Where this user's files of movistream are, by the XDG Base Directory Specification."""

from __future__ import annotations

import os
from pathlib import Path

_NAME = "movistream"


def config_folder() -> Path | None:
    """For what is to be kept, such as the local key; None if this user has no home."""
    return _folder("XDG_CONFIG_HOME", ".config")


def cache_folder() -> Path | None:
    """For what can be made again; None if this user has no home."""
    return _folder("XDG_CACHE_HOME", ".cache")


def _folder(variable: str, under_home: str) -> Path | None:
    named = Path(os.environ.get(variable, ""))
    if named.is_absolute():
        return named / _NAME
    try:
        return Path.home() / under_home / _NAME
    except RuntimeError:
        return None
