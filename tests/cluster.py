"""What tests of clusters have in common."""

from __future__ import annotations

import importlib.util

import pytest


def need(*packages: str) -> None:
    """Skips a module where packages lack that only ``make test-cluster`` installs."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(
            f"{' and '.join(missing)} not installed; make test-cluster installs it",
            allow_module_level=True,
        )
