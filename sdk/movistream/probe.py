"""Tries a model file in a child process before it is trusted in this one.

A file without a movistream manifest has no digest, so nothing tells that its constants and options
are as they were written; damaged ones can crash an engine. The child loads the file and runs two
steps; if it dies or hangs, this process says so and lives on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from movistream.errors import EngineError, ModelError, MovistreamError

TIME_LIMIT_S = 60
_STEPS = 2
_REFUSED = 3


def probe(path: Path, engine: str, signature: str) -> None:
    """Loads and runs a file in a child process.

    Raises:
        ModelError: if the child crashes or does not end in time.
        EngineError: if the engine refuses the file.
    """
    command = [sys.executable, "-m", "movistream.probe", str(path), engine, signature]
    roots = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots))}
    try:
        child = subprocess.run(
            command, capture_output=True, timeout=TIME_LIMIT_S, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"{path} kept an engine busy for {TIME_LIMIT_S} s without an answer; it is damaged"
        ) from None
    if child.returncode == _REFUSED:
        raise EngineError(child.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    if child.returncode:
        raise ModelError(f"{path} crashes the engine, so it is damaged or was made for another one")


def _run(path: Path, engine_name: str, signature: str) -> None:
    from movistream.engines import open_engine

    _, engine = open_engine(engine_name, path, signature, threads=1)
    inputs = [engine.create_input(name) for name in engine.input_names]
    outputs = [engine.create_output(name) for name in engine.output_names]
    for buffer in inputs:
        engine.write(buffer, np.zeros_like(engine.read(buffer)))
    for _ in range(_STEPS):
        engine.run(inputs, outputs)


def main() -> int:
    """The child's side: 0 if the file runs, 3 with a message if it is refused."""
    path, engine, signature = sys.argv[1:4]
    try:
        _run(Path(path), engine, signature)
    except MovistreamError as error:
        print(error, file=sys.stderr)
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
