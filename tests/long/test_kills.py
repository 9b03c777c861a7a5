"""Kill -9 at two hundred moments: nothing half-written, nothing left behind after the next start.

Half of the moments are spread over the time that a command takes, half over the changes that it
makes to files: it is killed just before one of them.
"""

from __future__ import annotations

import csv
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

import movistream
from movistream.engines import weight_cache
from movistream.system import leftovers
from movistream_converters.formats import safetensors_file
from movistream_training.run_folder import RunFolder, Settings
from tests.conftest import small_checkpoint
from tests.long.warm_process import Outcome, WarmProcess
from tests.training.clips import write_data

LABELS = ("pan left", "pan right")
VIDEOS = [f"{label}/{number}.mp4" for label in LABELS for number in range(2)]
FRAMES = 8


@dataclass(frozen=True)
class Job:
    """A command that writes files.

    Attributes:
        arguments: of it.
        files: that it leaves, by name below its folder: each with what says whether it is whole.
        kills: how often it is killed.
        once: whether it does nothing more, once it has ended.
        others: folders in its folder whose content is not looked at.
    """

    arguments: Callable[[Path], list[object]]
    files: dict[str, Callable[[Path], None]]
    kills: int
    once: bool = False
    others: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read."""
    home = tmp_path_factory.mktemp("kills")
    write_data(home / "data", LABELS, each=2, count=FRAMES)
    source = small_checkpoint("n0", image_size=32)
    safetensors_file.write(source, home / "w.safetensors")
    return home


@pytest.fixture(scope="module")
def warm(home: Path) -> Iterator[WarmProcess]:
    with WarmProcess(home) as process:
        outcome = process.run(
            ["convert", home / "w.safetensors", "-o", home / "m.tflite", "--no-verify"]
        )
        assert outcome.status == 0, outcome.output
        yield process


def _the_same(content: bytes) -> Callable[[Path], None]:
    def check(path: Path) -> None:
        assert path.read_bytes() == content

    return check


def _json_lines(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert "sha256" in lines[0]
    assert (lines[-1]["type"], lines[-1]["steps"]) == ("end", FRAMES)
    assert sum(line["type"] == "step" for line in lines) == FRAMES


def _table(rows: int) -> Callable[[Path], None]:
    def check(path: Path) -> None:
        with path.open(newline="") as file:
            found = list(csv.DictReader(file))
        assert len(found) == rows
        assert all(None not in row.values() and None not in row for row in found)

    return check


def _video(path: Path) -> None:
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == FRAMES


def _picture(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def _run_job(home: Path) -> Job:
    def state(path: Path) -> None:
        with movistream.load(home / "m.tflite") as model, model.stream() as stream:
            stream.restore(movistream.read_snapshot(path, model))
            assert stream.frames_seen == FRAMES

    files = {"s.npz": state, "o.mp4": _video, "t.csv": _table(FRAMES), "p.png": _picture}

    def arguments(folder: Path) -> list[object]:
        names = {"--save-state": "s.npz", "--output": "o.mp4", "--csv": "t.csv", "--plot": "p.png"}
        written = [part for option, name in names.items() for part in (option, folder / name)]
        return ["run", home / "m.tflite", home / "data" / VIDEOS[0], "--force", *written]

    return Job(arguments, files, 45)


def _archive_job(home: Path) -> Job:
    def arguments(folder: Path) -> list[object]:
        return ["run", home / "m.tflite", home / "data", "--output-dir", folder]

    return Job(arguments, {f"{name}.jsonl": _json_lines for name in VIDEOS}, 45, once=True)


def _convert_job(home: Path) -> Job:
    def arguments(folder: Path) -> list[object]:
        options = ("--precision", "dynamic", "--force")
        return ["convert", home / "w.safetensors", "-o", folder / "m.tflite", *options]

    def model(path: Path) -> None:
        with movistream.load(path) as model:
            assert model.manifest.provenance is not None
            assert model.manifest.provenance.verification is not None

    def report(path: Path) -> None:
        assert json.loads(path.read_bytes())["precision"] == "dynamic"

    return Job(arguments, {"m.tflite": model, "m.report.json": report}, 45)


def _cache_job(home: Path, fresh: Path) -> Job:
    """Its name says what is in it."""
    with movistream.load(home / "m.tflite", weight_cache=fresh) as model:
        model.stream().close()
    (cache,) = fresh.iterdir()

    def arguments(folder: Path) -> list[object]:
        return ["load", home / "m.tflite", folder]

    def check(path: Path) -> None:
        with path.open("rb") as file:
            assert weight_cache._named(Path(cache.name[:32]), file.fileno()).name == path.name

    return Job(arguments, {cache.name: check}, 40, once=True)


def _train_job(home: Path) -> Job:
    def arguments(folder: Path) -> list[object]:
        size = ("--image-size", 32, "--batch", 2, "--frames", 5, "--seed", 3, "--epochs", 2)
        return ["train", home / "data", "-o", folder / "run", "--arch", "n0", *size]

    def settings(path: Path) -> None:
        msgspec.json.decode(path.read_bytes(), type=Settings)

    def weights(path: Path) -> None:
        assert safetensors_file.read(path).labels == LABELS

    def checkpoint(path: Path) -> None:
        with safe_open(path, framework="numpy") as opened:
            for name in opened.keys():  # noqa: SIM118
                opened.get_tensor(name)
            assert json.loads(opened.metadata()["history"])

    def history(path: Path) -> None:
        assert 1 <= len(path.read_text().splitlines()) - 1 <= 2
        _table(len(path.read_text().splitlines()) - 1)(path)

    names = RunFolder(Path("run"))
    files = {
        names.settings: settings,
        names.split: _table(len(VIDEOS)),
        names.weights: weights,
        names.checkpoint: checkpoint,
        names.history: history,
        names.curves: _picture,
        names.confusion: _picture,
    }
    whole = {str(path): check for path, check in files.items()}
    return Job(arguments, whole, 25, once=True, others=("run/tensorboard",))


def _found(job: Job, folder: Path) -> set[str]:
    names = {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if not path.is_dir() or leftovers._NAME.fullmatch(path.name)
    }
    return {name for name in names if not name.startswith(job.others or ("\0",))}


def _check_whole(job: Job, folder: Path) -> None:
    """What has a final name is whole, and what has another is known to be left over."""
    for name in _found(job, folder):
        if name in job.files:
            job.files[name](folder / name)
        else:
            assert any(leftovers._NAME.fullmatch(part) for part in Path(name).parts), name


def _check_finished(job: Job, folder: Path, temporary: Path) -> None:
    assert _found(job, folder) == set(job.files)
    _check_whole(job, folder)
    assert not list(temporary.glob("movistream*"))


def _moments(whole: Outcome, seed: int) -> Iterator[dict[str, Any]]:
    """In the order of a shuffled deck: all the changes, and as many times."""
    generator = np.random.default_rng(seed)
    while True:
        changes = [{"after_changes": number} for number in range(whole.changes)]
        times = [{"after_s": whole.seconds * share} for share in generator.random(whole.changes)]
        for place in generator.permutation(2 * whole.changes):
            yield [*changes, *times][place]


def _kill(job: Job, folder: Path, warm: WarmProcess, seed: int) -> None:
    """Kills a command as often as it says, and lets it end now and then."""
    folder.mkdir()
    whole = warm.run(job.arguments(folder))
    assert whole.status == 0, whole.output
    _check_finished(job, folder, warm.temporary)
    moments = _moments(whole, seed)
    kills = left_behind = 0
    while kills < job.kills:
        if job.once:
            shutil.rmtree(folder)
            folder.mkdir()
        # Several in a row, so that one finds what others have left; then one may end.
        for _ in range(8):
            outcome = warm.run(job.arguments(folder), **next(moments))
            kills += outcome.killed
            assert outcome.killed or outcome.status == 0, outcome.output
            _check_whole(job, folder)
            left_behind += not _found(job, folder) <= job.files.keys()
            if not outcome.killed:
                _check_finished(job, folder, warm.temporary)
        outcome = warm.run(job.arguments(folder))
        assert outcome.status == 0, outcome.output
        _check_finished(job, folder, warm.temporary)
    print(f"{kills} kills, {left_behind} of which left something behind, till the next start")
    assert left_behind > kills / 10


@pytest.mark.parametrize("name", ["run", "archive", "convert", "cache", "train"])
def test_kills(name: str, home: Path, warm: WarmProcess, tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    job = {
        "run": _run_job,
        "archive": _archive_job,
        "convert": _convert_job,
        "cache": lambda home: _cache_job(home, tmp_path / "fresh"),
        "train": _train_job,
    }[name](home)
    _kill(job, tmp_path / "out", warm, seed)
