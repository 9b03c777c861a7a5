"""What tests of archives share: work without videos, and what is in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import movistream
from movistream.archive.carriers import Carrier, Finished, News
from movistream.archive.course import carried
from movistream.archive.finding import find_videos_of
from movistream.archive.folder import file_name, mend, read_archive, shard_files, standing
from movistream.archive.hiring import CarrierName, crew_of
from movistream.archive.plan import Shard, Video, cut
from movistream.archive.store import LocalStore, store_at
from movistream.archive.work import Work, ready, watch_shard
from movistream.cli.run_options import Request, table_run
from movistream.parquet.footer import Footer, Run, VideoOutcome, run_of
from movistream.parquet.schema import VERSION
from movistream.parquet.table_file import table_file
from tests.sdk.videos import write_timed_video

RUN = run_of({"model": "made up"})


@dataclass(frozen=True)
class Place:
    """In place of :class:`Work`, where nobody watches."""

    place: Path
    run: Run = RUN
    call: str = "0"


def made_up_videos(count: int) -> list[Video]:
    return [Video(f"videos/{number:04}.mp4", f"{number}-1") for number in range(count)]


def write_made_up(place: Place, shard: Shard) -> tuple[VideoOutcome, ...]:
    """A shard whose rows follow from its videos alone."""
    outcomes = []
    store = LocalStore(place.place)
    with store.replaced(file_name(shard)) as part, table_file(part) as file:
        for video in shard.videos:
            number = int(hashlib.sha256(repr(video).encode()).hexdigest(), 16)
            begun = {"run": place.run.id, "video": video.text}
            for frame in range(number % 4):
                file.add({**begun, "type": "step", "frame": frame, "score": number % 97 / 97})
            file.add({**begun, "type": "video", "frames": number % 4})
            status: Any = "error" if number % 5 == 0 else "done"
            outcomes.append(
                VideoOutcome(video.text, video.fingerprint, status, None, 1, number % 4, 2.0, 1.0)
            )
        file.finish(Footer(VERSION, place.run, tuple(outcomes)))
    return tuple(outcomes)


def writes_made_up(place: Any, take: Callable[[], Shard | None]) -> Iterator[News]:
    """A carrier of shards that nobody watches."""
    while (shard := take()) is not None:
        yield Finished(shard, write_made_up(place, shard))


def watches_here(work: Work, take: Callable[[], Shard | None]) -> Iterator[News]:
    """A carrier that is this process."""
    with ready(work) as worker:
        while (shard := take()) is not None:
            yield Finished(shard, watch_shard(worker, shard))


def hired(name: CarrierName, workers: int, address: str | None = None) -> Carrier:
    """A carrier whose workers are hired for it alone."""

    def carry(work: Work, take: Callable[[], Shard | None]) -> Generator[News, None, None]:
        with crew_of(name, workers, address) as crew:
            yield from crew.carry(work, take)

    return carry


def shard_paths(folder: Path) -> list[Path]:
    return [folder / name for name in shard_files(LocalStore(folder))]


def bring_to_its_end(
    place: Any, videos: Sequence[Video], carrier: Any = writes_made_up, *, workers: int = 1
) -> list[News]:
    """An archive, from wherever it is."""
    store = store_at(str(place.place))
    with store.kept():
        found = read_archive(store)
        now = standing(found, place.run, videos)
        mend(store, found, now.outdated)
        return list(carried(place, cut(now.left, place.run, workers), carrier, store))


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The table: the rows of all shards, in the order of their videos, without what takes time."""
    import pyarrow.parquet

    rows = []
    for path in sorted(folder.glob("shard-*.parquet")):
        with path.open("rb") as file:
            rows += pyarrow.parquet.read_table(file).to_pylist()
    for row in rows:
        row.pop("ms")
    return sorted(rows, key=lambda row: (row["video"], row["type"]))


def request_for(**options: Any) -> Request:
    """What the command would be asked for, with its defaults."""
    from movistream.archive import command

    run = command.archive.commands["run"]
    context = run.make_context("run", ["camera-motion", "-o", "place"])
    given = {**context.params, **command._ELSEWHERE, "workers": 1, "regions": (), **options}
    names = Request.__dataclass_fields__
    return Request(**{name: value for name, value in given.items() if name in names})


@pytest.fixture
def archive_work(model_path: Path, tmp_path: Path) -> Work:
    """Work with a small model."""
    request = request_for(events=True, enter=0.21, leave=0.1, shortest=0.1)
    with movistream.load(model_path) as model:
        run = table_run(request, model, logits=True)
    return Work((model_path,), request, run, str(tmp_path / "archive"), True, "0")


def some_videos(clip: Path, folder: Path) -> list[Video]:
    """Three that are well, and four that are not."""
    folder.mkdir()
    data = clip.read_bytes()
    for name in ("a.avi", "=b.avi", "c\n\x1b[31m.avi"):
        (folder / name).write_bytes(data)
    write_timed_video(folder / "damaged.mp4", [100 * number for number in range(30)])
    data = bytearray((folder / "damaged.mp4").read_bytes())
    middle = (data.index(b"mdat") + data.index(b"moov")) // 2
    data[middle : middle + 400] = bytes(400)
    (folder / "damaged.mp4").write_bytes(data)
    (folder / "empty.avi").write_bytes(b"")
    (folder / "text.mp4").write_text("no video")
    return list(find_videos_of([str(folder), str(folder / "missing.mp4")]))
