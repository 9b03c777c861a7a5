"""Archives on Ray and Dask are those of one process (``make test-cluster``)."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from movistream.archive.carriers import Finished, Lost, News, Told
from movistream.archive.hiring import CarrierName, crew_of
from movistream.archive.plan import Shard, Video
from movistream.archive.work import Work
from movistream.errors import ClusterError, MovistreamError
from movistream_benchmarks.archives.kills import DIES_OF_POISON
from tests.cluster import need
from tests.listening import listening_elsewhere
from tests.sdk.archives import (
    archive_work,
    bring_to_its_end,
    hired,
    rows_of,
    shard_paths,
    some_videos,
    watches_here,
)

need("ray", "distributed")

__all__ = ["archive_work"]

EXAMPLES = Path(__file__).parents[2] / "examples" / "cluster"
CLUSTERS: tuple[CarrierName, ...] = ("ray", "dask")


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CarrierName, Any]]:
    """Two nodes, which some videos kill."""
    from movistream_benchmarks.archives.nodes import nodes_of

    start = tmp_path_factory.mktemp("start")
    (start / "sitecustomize.py").write_text(DIES_OF_POISON)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PYTHONPATH", os.pathsep.join([str(start), *sys.path]))
        yield request.param, stack.enter_context(nodes_of(request.param, 2))


def expected_rows(work: Work, videos: list[Video]) -> list[dict[str, Any]]:
    """Of one process, in the same folder, which is empty again then."""
    bring_to_its_end(work, videos, watches_here)
    rows = rows_of(Path(work.place))
    for path in shard_paths(Path(work.place)):
        path.unlink()
    return rows


@pytest.mark.parametrize("name", CLUSTERS)
def test_on_a_cluster_of_its_own(
    name: CarrierName, clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    """It listens on this machine alone."""
    videos = some_videos(clip, tmp_path / "videos")
    expected = expected_rows(archive_work, videos)
    seen: list[set[int]] = []
    before = listening_elsewhere()

    def carrier(work: Work, take: Callable[[], Shard | None]) -> Generator[News, None, None]:
        with crew_of(name, 2, None) as crew:
            assert crew.workers == 2
            for news in crew.carry(work, take):
                seen.append(listening_elsewhere())
                yield news

    news = bring_to_its_end(archive_work, videos, carrier)
    assert rows_of(Path(archive_work.place)) == expected
    assert [type(each) for each in news] == [Finished]
    assert all(ports <= before for ports in seen)


def test_on_nodes(cluster: Any, clip: Path, tmp_path: Path, archive_work: Work) -> None:
    """What a worker is told on its way arrives too."""
    name, nodes = cluster
    videos = some_videos(clip, tmp_path / "videos")
    expected = expected_rows(archive_work, videos)
    news = bring_to_its_end(archive_work, videos, hired(name, 2, nodes.address), workers=2)
    assert rows_of(Path(archive_work.place)) == expected
    assert {type(each) for each in news} <= {Finished, Told}


def test_a_clip_that_kills_costs_two_deaths_and_a_row(
    cluster: Any, clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    name, nodes = cluster
    videos = some_videos(clip, tmp_path / "videos")
    for number in range(9):
        path = tmp_path / f"videos/{number} {'poison' if number == 4 else 'more'}.avi"
        path.write_bytes(clip.read_bytes())
        videos.append(Video(str(path), "1-1"))
    news = bring_to_its_end(archive_work, videos, hired(name, None, nodes.address), workers=2)
    rows = [row for row in rows_of(Path(archive_work.place)) if row["type"] == "video"]
    assert sorted(row["video"] for row in rows) == sorted(video.text for video in videos)
    (poisoned,) = (row for row in rows if "poison" in row["video"])
    assert (poisoned["status"], poisoned["attempts"]) == ("error", 2)
    assert "has died 2 times at this video" in poisoned["error"]
    assert {row["attempts"] for row in rows if row is not poisoned} == {1}
    # Dask's scheduler may try a task once more by itself.
    lost = sum(isinstance(each, Lost) for each in news)
    assert lost == 2 or (name == "dask" and lost < 2)
    assert list((Path(archive_work.place) / ".attempts").iterdir()) == []


def test_workers_need_no_file_of_the_driver(
    cluster: Any, clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    """The model and its labels come with the work."""
    name, nodes = cluster
    videos = some_videos(clip, tmp_path / "videos")[:1]
    model = tmp_path / "here" / "model.tflite"
    model.parent.mkdir()
    model.write_bytes(archive_work.models[0].read_bytes())
    labels = model.with_name("labels.txt")
    labels.write_text("".join(f"class {number}\n" for number in range(5)))
    work = replace(
        archive_work, models=(model,), request=replace(archive_work.request, labels=labels)
    )

    def gone(work: Work, take: Callable[[], Shard | None]) -> Generator[News, None, None]:
        with crew_of(name, 1, nodes.address) as crew:
            happening = crew.carry(work, take)
            taken = [take_shard(take)]

            def take_once() -> Shard | None:
                model.unlink(missing_ok=True)
                labels.unlink(missing_ok=True)
                return taken.pop() if taken else None

            happening.close()
            yield from crew.carry(work, take_once)

    def take_shard(take: Callable[[], Shard | None]) -> Shard:
        shard = take()
        assert shard is not None
        return shard

    bring_to_its_end(work, videos, gone)
    labelled = [row["label"] for row in rows_of(Path(work.place))]
    assert labelled
    assert all(label.startswith("class ") for label in labelled)


def test_workers_of_another_version_are_told(
    cluster: Any, clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    name, nodes = cluster
    videos = some_videos(clip, tmp_path / "videos")
    run = replace(archive_work.run, made_of={**archive_work.run.made_of, "movistream": "9.9"})
    with pytest.raises(MovistreamError, match=r"has version .* and this run is of 9\.9: install"):
        bring_to_its_end(replace(archive_work, run=run), videos, hired(name, 1, nodes.address))


def test_a_folder_that_workers_do_not_see_is_told(
    cluster: Any, clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    """Here it is gone from the driver's sight before they write."""
    name, nodes = cluster
    videos = some_videos(clip, tmp_path / "videos")

    def elsewhere(work: Work, take: Callable[[], Shard | None]) -> Generator[News, None, None]:
        with crew_of(name, 1, nodes.address) as crew:
            yield from crew.carry(replace(work, place=str(tmp_path / "missing")), take)

    with pytest.raises(MovistreamError, match="missing"):
        bring_to_its_end(archive_work, videos, elsewhere)


@pytest.mark.parametrize("name", CLUSTERS)
@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:8786", "nonsense"])
def test_a_cluster_that_is_not_there_is_told(
    name: CarrierName, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from movistream.archive.carriers import dask_tasks

    monkeypatch.setattr(dask_tasks, "_PATIENCE_S", 1.0)
    with pytest.raises(ClusterError) as told, crew_of(name, 1, address):
        pass
    assert address in str(told.value)
    assert "\n" not in str(told.value)


def test_the_cluster_files_are_what_they_are_for() -> None:
    """Ray takes the one; the command of the other is one that there is."""
    import yaml
    from ray.autoscaler._private.util import prepare_config, validate_config

    from movistream.archive.command import archive

    validate_config(prepare_config(yaml.safe_load((EXAMPLES / "ray.yaml").read_text())))
    job = yaml.safe_load((EXAMPLES / "kuberay.yaml").read_text())["spec"]
    inner = shlex.split(shlex.split(job["entrypoint"])[2].partition("||")[0])
    assert inner[:2] == ["movistream", "archive"]
    context = archive.commands["run"].make_context("archive", inner[2:])
    assert context.params["carrier"] == "ray"
    image = f"rayproject/ray:{job['rayClusterSpec']['rayVersion']}-"
    assert image in (EXAMPLES / "Dockerfile").read_text()
