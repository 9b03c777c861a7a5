"""Searches the toy space in a process of its own, where TensorFlow computes in one thread.

``python -m tests.training.one_shot_process FOLDER WORKERS [KILLED_AT]``: with 0 workers in this
process, otherwise on Ray; kills itself after a step, as a power cut would.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from movistream_converters.networks.movinet import Architecture
from movistream_training.one_shot.batches import fixed_batches
from movistream_training.one_shot.controller import Learning
from movistream_training.one_shot.course import Step
from movistream_training.one_shot.ray_workers import on_ray
from movistream_training.one_shot.search import Aim, one_shot_search
from movistream_training.one_shot.settings import Settings
from movistream_training.one_shot.workers import Hired, in_this_process
from tests.training.moving_textures import TARGET, TASK, batches, cost_of, toy_space

ROOT = Path(__file__).parents[2]
SETTINGS = Settings(
    steps=11,
    replicas=3,
    beta=-1.0,
    learning_rate=5e-3,
    checkpoint_steps=4,
    controller=Learning(0.1),
)


def search(
    folder: Path, hired: Hired = in_this_process, killed_at: int | None = None
) -> Architecture:
    """A short search of the toy space; it is too short to find anything."""

    def on_step(step: Step, _: Architecture) -> None:
        if step.step == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    space = toy_space()
    return one_shot_search(
        space,
        TASK,
        fixed_batches(space, batches(6, 4, seed=1), 1),
        fixed_batches(space, batches(3, 4, seed=2), 2),
        Aim(cost_of, TARGET),
        SETTINGS,
        folder,
        hired,
        on_step,
    )


def search_elsewhere(folder: Path, workers: int = 0, killed_at: int | None = None) -> int:
    """The same in another process; gives its exit status."""
    arguments = [str(folder), str(workers), *([] if killed_at is None else [str(killed_at)])]
    paths = (ROOT / name for name in ("sdk", "converters", "training", "benchmarks", "."))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    environment.pop("TF_NUM_INTRAOP_THREADS", None)
    command = [sys.executable, "-m", "tests.training.one_shot_process", *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, timeout=300, check=False).returncode


def files_of(folder: Path) -> dict[str, bytes]:
    """All that a search left, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


if __name__ == "__main__":
    folder, workers, *killed_at = sys.argv[1:]
    hired = on_ray(int(workers)) if int(workers) else in_this_process
    search(Path(folder), hired, int(killed_at[0]) if killed_at else None)
