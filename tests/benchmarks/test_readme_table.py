"""The README's table is the figures of one run, and nothing else in the README is touched."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks.readme_table import BEGIN, END, main, table_of

FIGURES = {
    "results": [
        {
            "name": "theirs, published loop",
            "file_bytes": 15_140_000,
            "inference_ms": {"median": 3.4},
            "ratio": {"median": 1.0, "lower": 1.0, "upper": 1.0},
            "start": {"added": {"private_dirty_bytes": 30_000_000}},
        },
        {
            "name": "ours",
            "file_bytes": 3_520_000,
            "inference_ms": {"median": 1.7},
            "ratio": {"median": 0.5, "lower": 0.49, "upper": 0.51},
            "start": {"added": {"private_dirty_bytes": 12_000_000}},
        },
    ],
    "machine": {"cpu": "A CPU", "cores": 2, "versions": {"python": "3.11"}, "taken_at": "today"},
}


def test_a_row_for_every_result() -> None:
    lines = table_of(FIGURES).splitlines()
    assert lines[2] == "| theirs, published loop | 15.14 | 3.40 | 1.00 | 1.00–1.00 | 30.00 | 1.00 |"
    assert lines[3] == "| ours | 3.52 | 1.70 | 0.50 | 0.49–0.51 | 12.00 | 0.40 |"
    assert lines[5] == "A CPU, 2 cores, python 3.11, today."


def test_only_what_is_between_the_marks_changes(tmp_path: Path) -> None:
    figures, readme = tmp_path / "figures.json", tmp_path / "README.md"
    figures.write_text(json.dumps(FIGURES))
    readme.write_text(f"before\n\n{BEGIN}old\n{END}\nafter\n")
    for _ in range(2):
        assert CliRunner().invoke(main, [str(figures), str(readme)]).exit_code == 0
        assert readme.read_text() == f"before\n\n{BEGIN}{table_of(FIGURES)}{END}\nafter\n"
    readme.write_text("no marks")
    result = CliRunner().invoke(main, [str(figures), str(readme)])
    assert result.exit_code == 1
    assert "has no <!-- performance table -->" in result.output
    assert readme.read_text() == "no marks"
