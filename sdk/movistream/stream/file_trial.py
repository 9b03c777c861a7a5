"""Tries a model file in a child process before it is trusted in this one.

Engines follow much of a file without checking, and what they survive is known only when they have
run it. The child loads the file as this process would and runs a few steps on noise; if it dies or
hangs, this process says so and lives on.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from movistream.errors import EngineError, ModelError, MovistreamError
from movistream.system.child import ChildError, RefusalError, call, refuse

_STEPS = 3
_LEAST_LIMIT_S = 15.0
_LARGEST_LIMIT_S = 60.0
_SLOWEST_MULTIPLY_ADDS_PER_S = 2e7
_LEAST_MEMORY_BYTES = 3 * 2**28
_MEMORY_PER_FILE_BYTE = 4
_STRICT_ALLOCATOR = "libc_malloc_debug.so.0"
_STRICTNESS = "glibc.malloc.check=3:glibc.malloc.perturb=165"


def try_file(
    path: Path, fingerprint: str, engine: str, threads: int, arithmetic: str, multiply_adds: int
) -> None:
    """Loads and runs a file in a child process.

    Args:
        fingerprint: of the content that is to be tried.
        engine: as for :func:`movistream.load`, and so are threads and arithmetic.
        multiply_adds: of a step, for the time that the child may take.

    Raises:
        ModelError: if the child crashes, does not end in time or needs too much memory.
        EngineError: if the engine refuses the file, or it has been replaced.
    """
    arguments = (str(path.absolute()), fingerprint, engine, threads, arithmetic)
    expected_s = _LEAST_LIMIT_S + _STEPS * multiply_adds / _SLOWEST_MULTIPLY_ADDS_PER_S
    time_limit_s = round(min(expected_s, _LARGEST_LIMIT_S), 1)
    try:
        call(
            __name__,
            "answer",
            *arguments,
            time_limit_s=time_limit_s,
            memory_limit_bytes=_LEAST_MEMORY_BYTES + _MEMORY_PER_FILE_BYTE * path.stat().st_size,
            environment=_strict_allocator(),
        )
    except RefusalError as error:
        raise EngineError(" ".join(str(error).split())) from None
    except ChildError as error:
        raise ModelError(
            f"{path} cannot be run: the engine {error}; the file is damaged, or not for it"
        ) from None


def answer(path: str, fingerprint: str, engine: str, threads: int, arithmetic: str) -> int:
    """The child's side: 0 if the file runs."""
    from movistream.stream.loading import load_as
    from movistream.stream.model import Model

    generator = np.random.default_rng(0)
    try:
        with (
            load_as(
                Model, path, engine=engine, threads=threads, arithmetic=arithmetic, trust="always"
            ) as model,
            model.stream() as stream,
        ):
            if model.fingerprint != fingerprint:
                raise ModelError(f"{path} was replaced while it was loaded; load it again")
            image = model.manifest.input
            for _ in range(_STEPS):
                noise = generator.integers(0, 256, image.shape[-3:], np.uint8)
                # An answer that is no number is for whoever asks for it.
                with suppress(EngineError):
                    stream.step(noise)
    except MovistreamError as error:
        return refuse(error)
    return 0


def _strict_allocator() -> dict[str, str]:
    """Ends the child when it has written beside what it allocated, where glibc has that.

    Memory is filled with other values than a process that has just begun finds there, too.
    """
    if sys.platform != "linux":
        return {}
    libraries = filter(None, (os.environ.get("LD_PRELOAD"), _STRICT_ALLOCATOR))
    return {"LD_PRELOAD": ":".join(libraries), "GLIBC_TUNABLES": _STRICTNESS}
