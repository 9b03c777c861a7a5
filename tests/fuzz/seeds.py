"""The files that variants are made of: small networks as we and as others write them.

They are converted once and kept in a folder, since TensorFlow takes seconds to import.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from tests.fuzz.single_operators import ROWS
from tests.fuzz.sketch import stream_model

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "fuzz" / "seeds"
_WRITTEN_BY = ("tests/fuzz/networks.py", "converters/movistream_converters")


def read_seeds() -> dict[str, bytes]:
    """All seeds by name, in an order that does not change: networks first."""
    folder = FOLDER / _version()
    if not folder.is_dir():
        command = [sys.executable, "-m", "tests.fuzz.networks", str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the seeds cannot be written: {done.stderr}")
    networks = {f"network-{p.stem}": p.read_bytes() for p in sorted(folder.glob("*.tflite"))}
    return networks | {row.name: stream_model(row) for row in ROWS}


def _version() -> str:
    """Changes when the code does that writes them."""
    hasher = hashlib.sha256()
    for name in _WRITTEN_BY:
        path = ROOT / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            hasher.update(file.read_bytes())
    return hasher.hexdigest()[:16]
