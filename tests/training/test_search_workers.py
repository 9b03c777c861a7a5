"""Workers: in order, replaced when killed, gone when the search is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from movistream_training.errors import SearchError
from movistream_training.search.workers import Workers


def double(number: int) -> int:
    return 2 * number


def fail(number: int) -> int:
    raise SearchError(f"no {number}")


def die_once(marker: Path) -> str:
    """Kills its own process, unless that was done before."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return marker.name


def die(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def wait(folder: Path) -> None:
    (folder / f"{os.getpid()}.pid").touch()
    time.sleep(600)


def test_results_and_losses(tmp_path: Path) -> None:
    """One after another with the same processes, as each of them takes seconds to begin."""
    done = []
    with Workers(2) as workers:
        assert workers.all(double, range(7), lambda: done.append(1)) == [0, 2, 4, 6, 8, 10, 12]
        assert len(done) == 7
        assert dict(workers.each(double, [5, 6])) == {0: 10, 1: 12}
        assert workers.all(double, []) == []
        with pytest.raises(SearchError, match="no 3"):
            workers.all(fail, [3])
        # A worker that is killed is replaced, and what it did is done again.
        markers = [tmp_path / "a", tmp_path / "b"]
        assert workers.all(die_once, markers) == ["a", "b"]


def test_what_kills_every_worker_ends_the_search() -> None:
    with Workers(1) as workers, pytest.raises(SearchError, match="fewer --workers"):
        workers.all(die, [1])


def test_no_worker_outlives_its_search(tmp_path: Path) -> None:
    """Even if that is killed, and says nothing."""
    program = (
        "from pathlib import Path\n"
        "from movistream_training.search.workers import Workers\n"
        "from tests.training.test_search_workers import wait\n"
        "if __name__ == '__main__':\n"
        "    with Workers(1) as workers:\n"
        f"        workers.all(wait, [Path({str(tmp_path)!r})])\n"
    )
    path = tmp_path / "program.py"
    path.write_text(program)
    root = Path(__file__).parents[2]
    rooms = (".", "sdk", "converters", "training", "benchmarks")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(root / room) for room in rooms)}
    with subprocess.Popen([sys.executable, str(path)], env=environment) as search:
        while not (begun := list(tmp_path.glob("*.pid"))):
            assert search.poll() is None
            time.sleep(0.1)
        search.kill()
    worker = int(begun[0].stem)
    for _ in range(300):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    raise AssertionError("the worker goes on")
