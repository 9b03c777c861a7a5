"""Instructions of files on an emulated ARM core, by ``movistream bench-arm`` in its own process.

The emulator belongs to the benchmarks, which training does not know: they run where the runtime
runs, and nothing in either needs the other. What is asked and answered between the two is the
command line and its JSON, which are documented and kept. The emulator is a process anyway; one call
counts all files in one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from movistream.system.text import printable
from movistream_training.errors import SearchError


def count_instructions(
    files: Sequence[Path], cpu: str, folder: Path | None = None
) -> Iterator[int]:
    """Instructions of a step of each file, of which the median over a few frames is taken.

    Args:
        files: that ``movistream run`` would run.
        cpu: ``cortex-a76`` or ``cortex-a72``.
        folder: where the emulator is set up, once; None: in the user's cache.

    Yields:
        The counts, in the order of the files, each as soon as it is there.

    Raises:
        SearchError: if the emulator cannot be set up here, or fails.
    """
    if not files:
        return
    command = [sys.executable, "-m", "movistream", "bench-arm", "--json", "--cpu", cpu]
    if folder is not None:
        command += ["--folder", str(folder.resolve())]
    command += [str(path.resolve()) for path in files]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            errors="replace",
        ) as counting,
    ):
        assert counting.stdout is not None
        done = False
        try:
            for _ in files:
                line = counting.stdout.readline()
                if not line:
                    break
                yield int(json.loads(line)["median"])
            done = True
        finally:
            if not done:
                counting.terminate()
        if counting.wait():
            log.seek(0)
            said = log.read().strip().rpartition("\n")[2] or f"exit code {counting.returncode}"
            raise SearchError(f"counting instructions failed: {printable(said)}")
