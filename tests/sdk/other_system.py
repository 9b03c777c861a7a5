"""Runs the command line, or a step from Python, where what other systems lack is hidden.

python -m tests.sdk.other_system COMMAND...

Hidden are modules and numbers that Windows lacks, ``/proc``, and what Windows does not do: rename
or remove a file that is open or mapped. Child processes hide the same.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PRELUDE = """
import builtins, os, pathlib, select, shutil, signal, subprocess, sys, tempfile
import ctypes, json, mmap, hashlib, logging, asyncio, multiprocessing

for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "geteuid", "getuid",
             "sched_getaffinity", "mkfifo"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGQUIT"):
    if hasattr(signal, name):
        delattr(signal, name)
del select.poll

_read = builtins.open
_links, _maps = os.readlink, "/proc/self/maps"

def _is_open(path):
    path = os.path.realpath(path)
    for number in os.listdir("/proc/self/fd"):
        try:
            if _links(f"/proc/self/fd/{number}") == path:
                return True
        except OSError:
            pass
    with _read(_maps) as maps:
        return any(line.rstrip().endswith(path) for line in maps)

def _refusing(function):
    def refuse(path, *others, **named):
        if not isinstance(path, int) and os.path.isfile(path) and _is_open(path):
            raise PermissionError(13, "it is used by another process", str(path))
        for other in others[:1]:
            if isinstance(other, (str, os.PathLike)) and os.path.isfile(other) and _is_open(other):
                raise PermissionError(13, "it is used by another process", str(other))
        return function(path, *others, **named)
    return refuse

for name in ("replace", "rename", "unlink", "remove"):
    setattr(os, name, _refusing(getattr(os, name)))

_is_file = pathlib.Path.is_file
def _hidden(path):
    return str(path).startswith(("/proc", "/sys", "/dev/fd"))
pathlib.Path.is_file = lambda self: not _hidden(self) and _is_file(self)
_is_dir = pathlib.Path.is_dir
pathlib.Path.is_dir = lambda self: not _hidden(self) and _is_dir(self)
"""


def hide() -> None:
    """Hides it in this process and in its children; before the package is imported."""
    assert not any(name.startswith("movistream") for name in sys.modules)
    exec(compile(PRELUDE, "prelude", "exec"), {})
    from movistream.system import child, leftovers, portable

    child._CHILD = PRELUDE + child._CHILD
    # As the name of the system would say.
    portable.RENAMES_OPEN_FILES = leftovers.RENAMES_OPEN_FILES = False


def steps(model_path: Path) -> None:
    """A load and two steps, a snapshot, a saved state."""
    import numpy as np

    import movistream

    state = model_path.with_suffix(".npz")
    with movistream.load(model_path, trust="never") as model, model.stream() as stream:
        for value in (0, 255):
            result = stream.step(np.full((48, 64, 3), value, np.uint8))
        movistream.write_snapshot(stream.snapshot(), state)
        movistream.read_snapshot(state, model)
        print(result.label, f"{result.score:.6f}")


if __name__ == "__main__":
    hide()
    if sys.argv[1] == "steps":
        steps(Path(sys.argv[2]))
    else:
        from movistream.cli import main

        main(sys.argv[1:])
    assert not hasattr(os, "geteuid")
