"""All files of cases that are written, and their content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.case_writers import agreement, constants, pacing, resets, texts, watching

FOLDER = Path(__file__).parents[1]


def all_files() -> dict[str, bytes]:
    """Content by name, below the folder of tests."""
    made: dict[str, Any] = {
        "shared_constants.json": constants.constants(),
        "pacing_cases/live.json": pacing.live(),
        "pacing_cases/recorded.json": pacing.recorded(),
        "pacing_cases/clock.json": pacing.clocks(),
        "reset_cases/policy.json": resets.policies(),
        "reset_cases/cuts.json": resets.cuts(),
        "score_cases/watch.json": watching.watched(),
        "score_cases/table.json": watching.table(),
        "arithmetic_cases/float16.json": agreement.obstacles(),
        "arithmetic_cases/cosines.json": agreement.cosines(),
        "arithmetic_cases/frames.json": agreement.frames(),
        "json_cases/texts.json": texts.texts(),
    }
    return {name: _encoded(content) for name, content in made.items()}


def _encoded(content: Any) -> bytes:
    """A case, or a constant, per line."""
    if isinstance(content, dict):
        lines = [f"{json.dumps(key)}: {_line(value)}" for key, value in content.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
    else:
        text = "[\n" + ",\n".join(map(_line, content)) + "\n]\n"
    return text.encode()


def _line(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
