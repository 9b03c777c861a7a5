"""How far predicted instructions are from counted ones: the figures of docs/search.md."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from movistream.errors import EngineUnavailableError
from movistream_benchmarks.arm.emulator import set_up
from movistream_training.search.cost import accuracy, file_of, fit, price
from movistream_training.search.counting import count_instructions
from movistream_training.search.members import Task, sample
from movistream_training.search.space import built_in_space

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / "build" / "arm"
CPU = "cortex-a76"
TASK = Task(classes=6)
FITTED, HELD_OUT = 40, 30


def test_predictions_of_members_that_nobody_counted(tmp_path: Path) -> None:
    """Within 3 % on average and 8 % at worst, and as the page says."""
    try:
        set_up(EMULATOR)
    except EngineUnavailableError as reason:
        pytest.skip(str(reason))
    space, generator = built_in_space("n0"), np.random.default_rng(1)
    members = [sample(space, generator) for _ in range(FITTED + HELD_OUT)]
    files = []
    for index, member in enumerate(members):
        files.append(tmp_path / f"{index:02}.tflite")
        files[-1].write_bytes(file_of(member, TASK))
    counted = list(count_instructions(files, CPU, EMULATOR))
    features = [price(member, TASK).features[CPU] for member in members]
    model = fit(features[:FITTED], counted[:FITTED])
    found = accuracy(model, features[FITTED:], counted[FITTED:])
    assert found.mean_error <= 0.03
    assert found.worst_error <= 0.08
    text = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| Cortex-A76 \| (.+?) \| (.+?) \| (.+?) \|", text, re.MULTILINE)
    shown = [float(figure.removesuffix(" %")) for figure in row]
    assert shown[0] == pytest.approx(found.r_squared, abs=2e-4)
    # The length of a file's path is counted too.
    assert shown[1:] == pytest.approx([100 * found.mean_error, 100 * found.worst_error], abs=0.1)
