"""The page about a network of one's own, done as it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import movistream

PAGE = Path(__file__).parents[2] / "docs" / "own-network.md"
PROGRAMS = Path(sys.executable).parent


def test_the_page(tmp_path: Path) -> None:
    text, *_ = PAGE.read_text(encoding="utf-8").partition("## A network in PyTorch")
    drawing, network, last = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "draw.py").write_text(drawing, encoding="utf-8")
    (tmp_path / "network.py").write_text(network, encoding="utf-8")
    (tmp_path / "last.py").write_text(last, encoding="utf-8")
    commands = [*re.findall(r"^\$ (.+)$", text, re.MULTILINE), "python last.py"]
    assert len(commands) == 6
    said = []
    for command in commands:
        program, *arguments = shlex.split(command)
        run = subprocess.run(
            [PROGRAMS / program, *arguments],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, (command, run.stderr)
        said.append(run.stdout)
    # No two trainings end alike, and behind some of them a stage stays float.
    figures = r"^int8: 0\.0\d MB, [123] partitions?, (.*) multiply-adds a frame$"
    assert re.findall(figures, said[3], re.MULTILINE) == re.findall(figures, text, re.MULTILINE)
    assert re.search(r"kept epoch [12]: right in 9\d\.\d% of", said[2])
    assert said[4].splitlines()[11].split()[4:7] == ["to", "the", "left"]
    assert said[5].count("Prediction") == 5
    with movistream.load(tmp_path / "tiny.tflite") as model:
        assert model.labels == ("to the left", "to the right")
