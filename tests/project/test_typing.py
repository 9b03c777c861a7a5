"""Programs that use the package are type-checked as strictly as it is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import movistream

ROOT = Path(__file__).parents[2]
SURFACE = ROOT / "tests/project/typed/surface.py"
EXAMPLES = ROOT / "examples"


def test_programs_are_sound_for_a_strict_checker() -> None:
    """The examples too, but for one that needs a library that is not here."""
    examples = set(EXAMPLES.glob("*.py")) - {EXAMPLES / "fastapi_endpoint.py"}
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--scripts-are-modules", SURFACE, *sorted(examples)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    assert f"in {len(examples) + 1} source files" in checked.stdout


def test_one_of_them_uses_all_that_one_can_call() -> None:
    """What is only ever handed out needs no name in a program."""
    used = set(re.findall(r"movistream\.(\w+)", SURFACE.read_text(encoding="utf-8")))
    errors = {name for name in movistream.__all__ if name.endswith("Error")}
    handed_out = {
        "Answer",
        "Event",
        "Manifest",
        "Model",
        "Notice",
        "Passed",
        "Prediction",
        "Result",
    }
    handed_out |= {"Snapshot", "Started", "Step", "Stream", "TimelineEntry", "Watching"}
    assert set(movistream.__all__) - errors - handed_out - {"__version__"} <= used
