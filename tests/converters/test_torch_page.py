"""The page's network in PyTorch, done as it says, of a twentieth of the steps."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import movistream
from movistream.demo.motion import LABELS
from tests.training.clips import write_data

PAGE = Path(__file__).parents[2] / "docs" / "own-network.md"
PROGRAMS = Path(sys.executable).parent


def test_the_page(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    _, _, text = PAGE.read_text(encoding="utf-8").partition("## A network in PyTorch")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    short = program.replace("STEPS = 64, 600", "STEPS = 64, 30").replace("% 50 == 49", "% 10 == 9")
    assert short.count("30") == 1
    (tmp_path / "camera.py").write_text(short, encoding="utf-8")
    write_data(tmp_path / "clips", ("pan left", "pan right"), each=4, count=12)
    said = {}
    for command in re.findall(r"^\$ (.+)$", text, re.MULTILINE):
        name, *arguments = shlex.split(command)
        run = subprocess.run(
            [PROGRAMS / name, *arguments],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, (command, run.stderr)
        assert "Traceback" not in run.stderr
        said[" ".join(command.split()[:2])] = run.stdout
    assert said["python camera.py"].count("loss") == 3
    assert re.search(r"int8: 0\.08 MB, 1 partition, 3\.1 M multiply", said["movistream convert"])
    assert "of the frames after 1 s are right" in said["movistream demo"]
    assert (tmp_path / "further" / "weights.safetensors").exists()
    with movistream.load(tmp_path / "camera.tflite") as model:
        assert model.labels == LABELS
