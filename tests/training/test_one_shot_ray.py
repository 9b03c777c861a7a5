"""Workers on Ray give what one worker gives, whatever becomes of them (``make test-cluster``)."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from movistream.errors import ClusterError
from movistream_converters.networks.movinet import Architecture
from movistream_training.batches import Batch
from movistream_training.errors import SearchError
from movistream_training.one_shot import ray_workers
from movistream_training.one_shot.course import Step
from movistream_training.one_shot.ray_workers import on_ray
from movistream_training.one_shot.search import Aim, one_shot_search
from movistream_training.one_shot.settings import Settings
from movistream_training.search.space import space_text
from tests.listening import listening_elsewhere
from tests.training.clips import write_data
from tests.training.moving_textures import TARGET, TASK, clips, cost_of, toy_space
from tests.training.one_shot_process import files_of, search_elsewhere
from tests.training.search_stand_ins import SPACE
from tests.training.test_search_cluster_command import FILES, command, run

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed; make test-cluster installs it", allow_module_level=True)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")


def some_clips(member: Architecture, step: int, replica: int) -> Batch:
    return clips(2, step)


def search(folder: Path, **changes: object) -> Architecture:
    arguments: dict[str, object] = {
        "training": some_clips,
        "aim": Aim(cost_of, TARGET),
        "workers": on_ray(1),
        **changes,
    }
    settings = Settings(steps=2, replicas=2)
    return one_shot_search(
        toy_space(), TASK, judging=some_clips, settings=settings, folder=folder, **arguments
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the search leaves in one process, without Ray."""
    folder = tmp_path_factory.mktemp("one-process") / "here"
    assert search_elsewhere(folder) == 0
    found = files_of(folder)
    assert set(found) == {"arch.txt", "checkpoint.safetensors", "controller.json", "history.csv"}
    return found


def test_two_workers_one_and_lost_ones_give_the_same_bytes(
    expected: dict[str, bytes], tmp_path: Path
) -> None:
    """Three are lost: one in the middle of its work, one to a signal and one to Ray."""
    assert search_elsewhere(tmp_path / "one", 1) == 0
    assert files_of(tmp_path / "one") == expected
    assert search_elsewhere(tmp_path / "two", 2, "lost") == 0
    assert (tmp_path / "two.died").exists()
    assert files_of(tmp_path / "two") == expected


def test_a_search_killed_on_ray_goes_on_without_it(
    expected: dict[str, bytes], tmp_path: Path
) -> None:
    assert search_elsewhere(tmp_path / "killed", 2, "killed", "6") == -signal.SIGKILL
    assert search_elsewhere(tmp_path / "killed") == 0
    assert files_of(tmp_path / "killed") == expected


def test_nobody_else_reaches_its_own_cluster(tmp_path: Path) -> None:
    """It listens on the loopback address, and asks for a token."""
    seen: list[tuple[set[str], str | None, int]] = []

    def on_step(step: Step, best: Architecture) -> None:
        import ray

        nodes = {node["NodeManagerAddress"] for node in ray.nodes()}
        seen.append((nodes, os.environ.get("RAY_AUTH_MODE"), len(listening_elsewhere())))

    before = listening_elsewhere()
    search(tmp_path, on_step=on_step)
    assert seen == [({"127.0.0.1"}, "token", len(before))] * 2


def test_ray_has_not_looked_at_its_environment_before(tmp_path: Path) -> None:
    """Where it has, its ports would be open."""
    program = (
        "import ray; from movistream_training.one_shot.ray_workers import on_ray;"
        "from movistream.errors import ClusterError\n"
        "try:\n with on_ray(1)(None): pass\n"
        "except ClusterError as error: print(error)"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, "PYTHONPATH": os.pathsep.join(sys.path), "RAY_AUTH_MODE": "token"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("Ray is imported already, and would open its ports")


def test_what_goes_wrong_in_a_worker_is_told_in_a_line(tmp_path: Path) -> None:
    def longer(member: Architecture, step: int, replica: int) -> Batch:
        batch = clips(2, step)
        images = batch.images.repeat(2, axis=1)
        return Batch(images, batch.targets.repeat(2, axis=1), batch.weights.repeat(2, axis=1))

    with pytest.raises(SearchError, match="and was given 12 frames") as told:
        search(tmp_path, training=longer)
    assert "\n" not in str(told.value)


def test_a_step_that_kills_all_its_workers_ends_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fatal(member: Architecture) -> float:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0.0

    monkeypatch.setattr(ray_workers, "_MOST_LOST", 1)
    with pytest.raises(SearchError, match="2 workers were lost in step 1") as told:
        search(tmp_path, aim=Aim(fatal, TARGET))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", r"cannot reach Ray at 127\.0\.0\.1:1: "),
        ("no-such-host.invalid:6379", r"cannot reach Ray at no-such-host\.invalid:6379: "),
        ("somewhere", "no address"),
        ("ray://head:port", "no address"),
        ("head:70000", "no address"),
    ],
)
def test_a_cluster_that_is_not_there_is_told(tmp_path: Path, address: str, message: str) -> None:
    with pytest.raises(ClusterError, match=message) as told:
        search(tmp_path, workers=on_ray(1, address))
    assert "\n" not in str(told.value)


def test_the_command_on_two_workers(tmp_path: Path) -> None:
    write_data(tmp_path / "data", ("pan left", "pan right"), each=5, count=4)
    (tmp_path / "space.toml").write_text(space_text(SPACE))
    texts = []
    for name, more in (("here", ()), ("ray", ("--workers", "2"))):
        code, _, told = run(command(tmp_path, tmp_path / name, *more))
        assert code == 0, told
        texts.append({file: (tmp_path / name / file).read_bytes() for file in FILES})
    assert texts[0] == texts[1]
