"""A search that is killed goes on to the same bytes, whatever the number of workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from movistream_training.search.space import space_text
from tests.training.clips import write_data
from tests.training.search_stand_ins import SPACE

ROOT = Path(__file__).parents[2]
FILES = ("arch.txt", "front.csv", "costs.csv", "trials.csv", "search.json", "report.html")
KILLS = (2, 9, 17)
"""After so many trainings have reached a rung, counted from the last kill's start."""


def test_killed_three_times(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", ("pan left", "pan right"), each=5, count=4)
    (tmp_path / "space.toml").write_text(space_text(SPACE))

    def start(folder: Path, workers: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "movistream", "search", str(data), "-o", str(folder)]
        command += ["--space", str(tmp_path / "space.toml"), "--budget", "600 k multiply-adds"]
        command += ["--steps", "3", "--width", "2", "--workers", str(workers)]
        return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole, 2).wait() == 0
    for count in KILLS:
        with start(killed, 1) as search:
            while len(list(killed.glob("trials/*/result.json"))) < count // 2:
                assert search.poll() is None
                time.sleep(0.05)
            os.kill(search.pid, signal.SIGKILL)
    assert start(killed, 2).wait() == 0
    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
