"""Tries a model file in a child process before it is trusted in this one.

A file without a movistream manifest has no digest, so nothing tells that its constants and options
are as they were written; damaged ones can crash an engine. The child loads the file and runs two
steps; if it dies or hangs, this process says so and lives on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from movistream.child import ChildError, RefusalError, call, refuse
from movistream.errors import EngineError, ModelError, MovistreamError

TIME_LIMIT_S = 60
_STEPS = 2


def probe(path: Path, engine: str, signature: str, has_sizes_at_run_time: bool) -> None:
    """Loads and runs a file in a child process.

    Args:
        has_sizes_at_run_time: see :class:`.engines.options.EngineOptions`.

    Raises:
        ModelError: if the child crashes or does not end in time.
        EngineError: if the engine refuses the file.
    """
    arguments = (str(path.absolute()), engine, signature, has_sizes_at_run_time)
    try:
        call(__name__, "answer", *arguments, time_limit_s=TIME_LIMIT_S)
    except RefusalError as error:
        raise EngineError(" ".join(str(error).split())) from None
    except ChildError as error:
        raise ModelError(
            f"{path} cannot be run: the engine {error}; the file is damaged, or not for it"
        ) from None


def _run(path: Path, engine_name: str, signature: str, has_sizes_at_run_time: bool) -> None:
    from movistream.engines import open_engine
    from movistream.engines.options import EngineOptions

    options = EngineOptions(threads=1, has_sizes_at_run_time=has_sizes_at_run_time)
    _, engine = open_engine(engine_name, path, signature, options)
    inputs = [engine.create_input(name) for name in engine.input_names]
    outputs = [engine.create_output(name) for name in engine.output_names]
    for buffer in inputs:
        engine.write(buffer, np.zeros_like(engine.read(buffer)))
    for _ in range(_STEPS):
        engine.run(inputs, outputs)


def answer(path: str, engine: str, signature: str, has_sizes_at_run_time: bool) -> int:
    """The child's side: 0 if the file runs."""
    try:
        _run(Path(path), engine, signature, has_sizes_at_run_time)
    except MovistreamError as error:
        return refuse(error)
    return 0
