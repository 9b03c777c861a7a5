"""Damaged model files through the command line: an error message, never a crash or a hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from movistream.file.manifest import METADATA_NAME
from tests.conftest import foreign_model
from tests.corruption import corrupt

COPIES = 100
"""Here; tests/long has ten times as many, and the fuzzers draw others each time."""
TIME_LIMIT_S = 120

# Every file through both commands in one process: what kills it or hangs is the last one named.
DRIVER = """
import contextlib, io, sys
from movistream.cli import main

video, *files = sys.argv[1:]
for file in files:
    for arguments in (["inspect", "--json", file], ["run", file, video, "--every", "4"]):
        print(file, arguments[0], flush=True)
        errors = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            try:
                main(arguments)
                code = 0
            except SystemExit as exit:
                code = exit.code
        message = errors.getvalue()
        assert code in (0, 1), (file, code)
        assert code == 0 or message.startswith("movistream: error: "), (file, message)
        assert code == 0 or len(message.splitlines()) == 1, (file, message)
print("done", flush=True)
"""


@pytest.fixture(scope="module")
def originals(model_path: Path) -> list[bytes]:
    return files_to_damage(model_path)


def files_to_damage(model_path: Path) -> list[bytes]:
    """A file of ours, the same with its manifest hidden, and one as others export it."""
    ours = model_path.read_bytes()
    foreign = foreign_model()
    hidden = ours.replace(METADATA_NAME.encode(), b"x" * len(METADATA_NAME))
    return [ours, foreign, hidden, foreign]


def run_damaged(originals: list[bytes], clip: Path, folder: Path, copies: int, seed: int) -> None:
    """Damages so many copies, and runs them through the command line."""
    generator = np.random.default_rng(seed)
    files: list[Path] = []
    for index in range(copies):
        original = originals[index % len(originals)]
        path = folder / f"{index}.tflite"
        path.write_bytes(corrupt(original, generator, index // len(originals) % 4))
        files.append(path)
    for start in range(0, copies, 50):
        batch = [str(path) for path in files[start : start + 50]]
        child = subprocess.run(
            [sys.executable, "-c", DRIVER, str(clip), *batch],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIME_LIMIT_S * 5,
        )
        last = child.stdout.splitlines()[-1] if child.stdout else "nothing"
        assert child.returncode == 0, f"after {last}: {child.returncode}\n{child.stderr[-2000:]}"
        assert last == "done"


def test_damaged_files_end_in_a_message(originals: list[bytes], clip: Path, tmp_path: Path) -> None:
    run_damaged(originals, clip, tmp_path, COPIES, 11)


def test_the_damage_is_real(originals: list[bytes]) -> None:
    generator = np.random.default_rng(3)
    assert all(
        corrupt(original, generator, kind) != original
        for original in originals
        for kind in range(3)
    )
