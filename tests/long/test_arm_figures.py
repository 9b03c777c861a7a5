"""The figures of the built-in model on Raspberry Pis' cores, as the page about them has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from movistream.errors import EngineUnavailableError
from movistream.file.names import find_model
from movistream_benchmarks.arm.emulator import count, set_up
from movistream_benchmarks.arm.step_counted import Request

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "raspberry-pi.md"
EMULATOR = ROOT / "build" / "arm"
"""Where ``make bench-arm`` has it too."""


def test_instructions_of_the_built_in_model() -> None:
    try:
        set_up(EMULATOR)
    except EngineUnavailableError as reason:
        pytest.skip(str(reason))
    (row,) = re.findall(r"^\| camera motion, int8 \| (.+) \| (.+) \|$", PAGE.read_text(), re.M)
    path = str(find_model("camera-motion"))
    for cpu, figure in zip(("cortex-a76", "cortex-a72"), row, strict=True):
        request = Request(path, False, "auto", "auto", warm_up=12, frames=5)
        found = count(EMULATOR, cpu, request).median / 1e6
        assert f"{found:.1f}" == figure, cpu
