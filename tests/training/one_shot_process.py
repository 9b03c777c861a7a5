"""Searches the toy space in a process of its own, where TensorFlow computes in one thread.

Arguments: ``FOLDER WORKERS ACCIDENT...``. With 0 workers it computes in this process, otherwise on
Ray. The accident ``killed`` with a number kills it after that step, as a power cut would; with
``lost``, three workers end before their time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movistream_converters.networks.movinet import Architecture
from movistream_training.one_shot.batches import fixed_batches
from movistream_training.one_shot.controller import Learning
from movistream_training.one_shot.course import Step
from movistream_training.one_shot.ray_workers import on_ray
from movistream_training.one_shot.replica import Replica
from movistream_training.one_shot.search import Aim, one_shot_search
from movistream_training.one_shot.settings import Settings
from movistream_training.one_shot.workers import Workers, in_this_process
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


def search(folder: Path, workers: int, killed_at: int | None, loses_workers: bool) -> Architecture:
    """A short search of the toy space; it is too short to find anything."""
    hired: list[Any] = []

    def on_step(step: Step, _: Architecture) -> None:
        if step.step == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if loses_workers and step.step in (2, 7):
            lose_a_worker(hired[0], step.step)

    @contextmanager
    def remembered(replica: Replica) -> Iterator[Workers]:
        hire = on_ray(workers) if workers else in_this_process
        with hire(replica) as given:
            hired.append(given)
            yield given

    space = toy_space()
    return one_shot_search(
        space,
        TASK,
        fixed_batches(space, batches(6, 4, seed=1), 1),
        fixed_batches(space, batches(3, 4, seed=2), 2),
        Aim(FatalOnce(folder.with_suffix(".died")) if loses_workers else cost_of, TARGET),
        SETTINGS,
        folder,
        remembered,
        on_step,
    )


@dataclass(frozen=True)
class FatalOnce:
    """A cost that kills the process that asks for it, the first time."""

    marker: Path

    def __call__(self, member: Architecture) -> float:
        try:
            self.marker.touch(exist_ok=False)
        except FileExistsError:
            return cost_of(member)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def lose_a_worker(workers: Any, step: int) -> None:
    """Between two steps: by the system in one, by Ray in another."""
    import ray

    actor = workers._actors[step % 2]
    if step == 2:
        os.kill(ray.get(actor.__ray_call__.remote(lambda _: os.getpid())), signal.SIGKILL)
    else:
        ray.kill(actor)


def search_elsewhere(folder: Path, workers: int = 0, *accident: str) -> int:
    """The same in another process; gives its exit status."""
    paths = (ROOT / name for name in ("sdk", "converters", "training", "benchmarks", "."))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    environment.pop("TF_NUM_INTRAOP_THREADS", None)
    module = "tests.training.one_shot_process"
    command = [sys.executable, "-m", module, str(folder), str(workers), *accident]
    return subprocess.run(command, env=environment, cwd=ROOT, timeout=300, check=False).returncode


def files_of(folder: Path) -> dict[str, bytes]:
    """All that a search left, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


if __name__ == "__main__":
    at, count, *accident = sys.argv[1:]
    killed_at = int(accident[1]) if accident[:1] == ["killed"] else None
    search(Path(at), int(count), killed_at, accident == ["lost"])
