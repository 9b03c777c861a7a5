"""Shows that an installed movistream works, on any system: demo, run, Python, perhaps convert.

python tests/portable_smoke.py FOLDER
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import movistream

MODEL = "camera-motion"


def command(*arguments: str | Path) -> str:
    """What ``movistream`` prints."""
    line = [sys.executable, "-m", "movistream", *map(str, arguments)]
    found = subprocess.run(line, stdout=subprocess.PIPE, check=True, encoding="utf-8")
    return found.stdout


def main(folder: Path) -> None:
    """Runs it all; an assertion fails where something is wrong."""
    command("demo", "-o", folder / "demo")
    clip = folder / "demo" / "clip.mp4"
    lines = [
        json.loads(line)
        for line in command(
            "run", MODEL, clip, "--end", "6", "--json", "-o", folder / "a.mp4"
        ).splitlines()
    ]
    assert lines[-1]["type"] == "end"
    assert lines[-2]["top"][0]["label"] == "pan right"
    answer = movistream.classify(clip)
    assert answer.label == "static"
    assert len(answer.events) >= 8
    converted = "is not installed"
    if importlib.util.find_spec("tensorflow") is not None:
        file = Path(movistream.__file__).parent / "file" / "models" / f"{MODEL}.tflite"
        command("convert", file, "--precision", "float32", "-o", folder / "float32.tflite")
        with movistream.load(folder / "float32.tflite") as model:
            assert movistream.classify(clip, model).label == "static"
        converted = "works"
    python = sys.version.split()[0]
    print(f"movistream works on {sys.platform}, Python {python}; convert {converted}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
