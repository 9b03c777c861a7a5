"""Tries a model file in a child process before it is trusted in this one.

A file without a movistream manifest has no digest, so nothing tells that its constants and options
are as they were written; damaged ones can crash an engine. The child loads the file and runs two
steps; if it dies or hangs, this process says so and lives on.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from movistream.errors import EngineError, ModelError, MovistreamError

TIME_LIMIT_S = 60
_STEPS = 2
_REFUSED = 3
_CHILD = """
import json, sys
request = json.load(sys.stdin)
sys.path += [entry for entry in request["path"] if entry not in sys.path]
from movistream.probe import answer
sys.exit(answer(request["arguments"]))
"""


def probe(path: Path, engine: str, signature: str) -> None:
    """Loads and runs a file in a child process.

    Raises:
        ModelError: if the child crashes or does not end in time.
        EngineError: if the engine refuses the file.
    """
    # Isolated mode keeps the working directory, which may hold anything, off the child's path;
    # the parent's path lets it find what the parent found.
    request = {
        "path": [entry for entry in sys.path if entry and Path(entry).is_absolute()],
        "arguments": [str(path.absolute()), engine, signature],
    }
    try:
        child = subprocess.run(
            [sys.executable, "-I", "-c", _CHILD],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"{path} kept an engine busy for {TIME_LIMIT_S} s without an answer; it is damaged"
        ) from None
    last_line = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if child.returncode == _REFUSED:
        raise EngineError(last_line)
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise ModelError(f"{path} crashes the engine ({name}): it is damaged, or not for it")
    if child.returncode:
        raise ModelError(f"{path} cannot be tried: {last_line}")


def _run(path: Path, engine_name: str, signature: str) -> None:
    from movistream.engines import open_engine
    from movistream.engines.options import EngineOptions

    _, engine = open_engine(engine_name, path, signature, EngineOptions(threads=1))
    inputs = [engine.create_input(name) for name in engine.input_names]
    outputs = [engine.create_output(name) for name in engine.output_names]
    for buffer in inputs:
        engine.write(buffer, np.zeros_like(engine.read(buffer)))
    for _ in range(_STEPS):
        engine.run(inputs, outputs)


def answer(arguments: list[str]) -> int:
    """The child's side: 0 if the file runs, 3 with a message if it is refused."""
    path, engine, signature = arguments
    try:
        _run(Path(path), engine, signature)
    except MovistreamError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return _REFUSED
    return 0
