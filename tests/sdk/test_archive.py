"""Archives whoever watches: what is planned, what is finished, and what interrupts it."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import movistream
from movistream.archive.carriers import Finished, Lost, News
from movistream.archive.claim import claimed
from movistream.archive.finding import find_videos_of
from movistream.archive.folder import (
    check_run,
    file_name,
    mend,
    read_archive,
    shard_files,
    standing,
)
from movistream.archive.ledger import MOST_DEATHS, Deaths, Ledger
from movistream.archive.plan import FEWEST_VIDEOS, MOST_VIDEOS, Shard, Video, cut
from movistream.archive.status import status_of
from movistream.archive.store import LocalStore
from movistream.archive.work import StoppedError, Work, ready, watch_shard
from movistream.errors import MovistreamError, OutputError, VideoError
from movistream.parquet.footer import run_of
from tests.sdk.archives import (
    RUN,
    Place,
    archive_work,
    bring_to_its_end,
    made_up_videos,
    rows_of,
    shard_paths,
    some_videos,
    watches_here,
    write_made_up,
)
from tests.sdk.test_parquet import full_after

__all__ = ["archive_work"]

pytest.importorskip("pyarrow", reason="pyarrow (movistream[archive]) is not installed")


@given(st.integers(0, 500), st.integers(1, 16))
def test_shards_have_every_video_once(count: int, workers: int) -> None:
    videos = made_up_videos(count)
    shards = cut(videos, RUN, workers)
    assert [video for shard in shards for video in shard.videos] == videos
    assert all(FEWEST_VIDEOS <= len(shard.videos) <= MOST_VIDEOS for shard in shards[:-1])
    assert len({shard.name for shard in shards}) == len(shards)


def test_a_shard_is_called_by_its_run_and_its_videos() -> None:
    videos = made_up_videos(8)
    (shard,) = cut(videos, RUN, 1)
    assert cut(videos, RUN, 4) == (shard,)
    for others, run in (
        (videos[1:], RUN),
        ([replace(videos[0], fingerprint="2-2"), *videos[1:]], RUN),
        (videos, run_of({"model": "another"})),
    ):
        (other,) = cut(others, run, 1)
        assert other.name != shard.name


def test_videos_are_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["b.mp4", "deep/er/a.MKV", "deep/=1+1.avi", "deep/new\nline.mov", "notes.txt"]
    for name in names:
        (tmp_path / "v" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "v" / name).write_bytes(name.encode())
    with Path(os.fsdecode(os.fsencode(tmp_path / "v") + b"/\xff\xfe.mp4")).open("wb") as file:
        file.write(b"x")
    (tmp_path / "v/folder.mp4").mkdir()
    monkeypatch.chdir(tmp_path)
    videos = find_videos_of(["v", "v/b.mp4", str(tmp_path / "v/deep"), "missing.mp4"])
    named = ["missing.mp4", "v/b.mp4", "v/deep/=1+1.avi", "v/deep/er/a.MKV", "v/deep/new\nline.mov"]
    assert [video.name for video in videos] == [*named, "v/\udcff\udcfe.mp4"]
    assert [video.fingerprint == "" for video in videos] == [True, *[False] * 5]
    size, _, changed = videos[1].fingerprint.partition("-")
    assert (size, int(changed)) == ("5", (tmp_path / "v/b.mp4").stat().st_mtime_ns)


def test_links(tmp_path: Path) -> None:
    """Those to folders are the folders; to nothing, they are videos that cannot be read."""
    (tmp_path / "v").mkdir()
    (tmp_path / "v/a.mp4").write_text("")
    (tmp_path / "same").symlink_to(tmp_path / "v")
    (tmp_path / "v/gone.mp4").symlink_to("nothing")
    (tmp_path / "v/loop.mp4").symlink_to("loop.mp4")
    (tmp_path / "v/b.mp4").symlink_to("a.mp4")
    (tmp_path / "v/up.mp4").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "v/pipe.mp4")
    videos = find_videos_of(
        [str(tmp_path / "v"), str(tmp_path / "same"), str(tmp_path / "same/a.mp4")]
    )
    assert [Path(video.name).name for video in videos] == ["a.mp4", "b.mp4", "gone.mp4", "loop.mp4"]
    assert [video.fingerprint == "" for video in videos] == [False, False, True, True]


def test_sources_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in ("-", "0", "rtsp://user:secret@camera/live"):
        with pytest.raises(VideoError, match="is no file; an archive takes files") as caught:
            find_videos_of([source])
        assert "secret" not in str(caught.value)
    with pytest.raises(VideoError, match="holds no video"):
        find_videos_of([str(tmp_path)])
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.mp4").write_text("")
    really_scan = os.scandir

    def scan(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return really_scan(path)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(VideoError, match=r"cannot look into the folder .*closed: Permission"):
        find_videos_of([str(tmp_path)])


def marks_in(work: Work) -> list[Path]:
    return list((Path(work.place) / ".attempts").iterdir())


def interrupted(place: Place, seed: int) -> None:
    """Does to a folder what kills, copies, and full disks do."""
    chance = random.Random(seed)
    for path in shard_paths(place.place):
        what = chance.randrange(6)
        if what == 0:
            path.unlink()
        elif what == 1:
            data = path.read_bytes()
            path.write_bytes(data[: chance.randrange(len(data))])
        elif what == 2:
            other = f"shard-{RUN.id}-{chance.randrange(16**16):016x}.parquet"
            shutil.copy(path, place.place / other)
        elif what == 3:
            left = place.place / f".{path.name}.movistream-{chance.randrange(16**16):016x}.part"
            left.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("seed", range(25))
def test_interrupted_and_resumed_is_uninterrupted(seed: int, tmp_path: Path) -> None:
    """Whatever died when, each video has its rows once."""
    videos = made_up_videos(90)
    whole, place = Place(tmp_path / "whole"), Place(tmp_path / "place")
    bring_to_its_end(whole, videos)
    chance = random.Random(seed)

    def dies(work: Any, take: Callable[[], Shard | None]) -> Iterator[News]:
        while (shard := take()) is not None:
            what = chance.randrange(5)
            if what == 0:
                yield Lost(shard, "it died before")
            elif what == 1:
                write_made_up(work, shard)
                yield Lost(shard, "it died before it could tell")
            elif what == 2:
                write_made_up(work, shard)
                raise KeyboardInterrupt
            else:
                yield Finished(shard, write_made_up(work, shard))

    for _ in range(4):
        count = chance.randrange(1, len(videos))
        with suppress(KeyboardInterrupt):
            bring_to_its_end(place, videos[:count], dies, workers=chance.randrange(1, 9))
        interrupted(place, chance.randrange(1000))
    bring_to_its_end(place, videos)
    rows = rows_of(place.place)
    assert rows == rows_of(whole.place)
    counts = Counter(row["video"] for row in rows if row["type"] == "video")
    assert counts == Counter(video.text for video in videos)
    names = {path.name for path in place.place.iterdir()} - {".lock", ".call"}
    assert names == {path.name for path in shard_paths(place.place)}
    # Then nothing is left to do, and nothing is touched.
    before = {path: path.stat().st_mtime_ns for path in shard_paths(place.place)}
    assert bring_to_its_end(place, videos) == []
    assert before == {path: path.stat().st_mtime_ns for path in shard_paths(place.place)}


def test_changed_videos_are_watched_again_and_others_stay(tmp_path: Path) -> None:
    place, videos = Place(tmp_path), made_up_videos(40)
    bring_to_its_end(place, videos)
    now = [*videos[5:], Video("videos/new.mp4", "1-1")]
    now[0] = replace(now[0], fingerprint="9-9")
    # It cannot be looked at just now: what is known of it stays.
    now[1] = replace(now[1], fingerprint="")
    found = standing(read_archive(LocalStore(tmp_path)), RUN, now)
    assert [video.text for video in found.left] == [now[0].text, now[-1].text]
    assert found.finished == len(now) - 2
    bring_to_its_end(place, now)
    fresh = Place(tmp_path / "fresh")
    bring_to_its_end(fresh, [*videos[:5], now[0], *videos[6:], now[-1]])
    assert rows_of(tmp_path) == rows_of(fresh.place)


def test_failed_videos_are_watched_again_when_asked(tmp_path: Path) -> None:
    place, videos = Place(tmp_path), made_up_videos(60)
    bring_to_its_end(place, videos)
    found = read_archive(LocalStore(tmp_path))
    failed = {v.video for s in found.shards for v in s.footer.videos if v.status == "error"}
    now = standing(found, RUN, videos)
    assert (now.left, now.finished, now.failed) == ((), 60, len(failed))
    again = standing(found, RUN, videos, retry=True)
    assert {video.text for video in again.left} == failed != set()
    assert again.failed == 0
    rows = rows_of(tmp_path)
    mend(LocalStore(tmp_path), found, again.outdated)
    assert rows_of(tmp_path) == [row for row in rows if row["video"] not in failed]
    bring_to_its_end(place, videos)
    assert rows_of(tmp_path) == rows


def test_another_run_is_refused_unless_asked(tmp_path: Path) -> None:
    videos = made_up_videos(10)
    bring_to_its_end(Place(tmp_path), videos)
    other = run_of({"model": "another", "fps": 5})
    found = read_archive(LocalStore(tmp_path))
    check_run(found, LocalStore(tmp_path), RUN)
    with pytest.raises(OutputError, match=r"holds another run \(of another fps, model\)"):
        check_run(found, LocalStore(tmp_path), other)
    assert standing(found, other, videos).left == tuple(videos)
    bring_to_its_end(Place(tmp_path, other), videos)
    rows = rows_of(tmp_path)
    for run in (RUN, other):
        own = [row["video"] for row in rows if (row["run"], row["type"]) == (run.id, "video")]
        assert own == [video.text for video in videos]
    assert [
        (status.run, status.videos) for status in status_of(read_archive(LocalStore(tmp_path)))
    ] == sorted([(RUN.id, 10), (other.id, 10)])


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    store, same = LocalStore(tmp_path), LocalStore(tmp_path)
    with store.kept(), pytest.raises(OutputError, match="another process is at work"):  # noqa: SIM117
        with same.kept():
            pass
    with store.kept():
        pass


def test_workers_that_always_die_come_to_an_end(tmp_path: Path) -> None:
    def dies(work: Any, take: Callable[[], Shard | None]) -> Iterator[News]:
        while (shard := take()) is not None:
            yield Lost(shard, "it was killed (SIGKILL)")

    with pytest.raises(MovistreamError, match="die before they begin a video: it was killed"):
        bring_to_its_end(Place(tmp_path), made_up_videos(9), dies)


def test_a_ledger_counts_what_did_not_end(tmp_path: Path) -> None:
    video, other = made_up_videos(2)
    store = LocalStore(tmp_path)
    ledger = Ledger(store, RUN, "a")
    none, one, two = Deaths(0, 0), Deaths(1, 1), Deaths(2, 2)
    with ledger.attempt(video, none):
        assert ledger.deaths([video, other]) == {video: one, other: none}
    assert ledger.deaths([video]) == {video: none}
    with pytest.raises(KeyError), ledger.attempt(video, none):
        raise KeyError
    assert store.names(".attempts") == []
    # Its process dies: nothing after it happens.
    dead = ledger.attempt(video, none)
    dead.__enter__()
    with Ledger(store, RUN, "a").attempt(video, one):
        assert ledger.deaths([video]) == {video: two}
    assert ledger.deaths([video]) == {video: one}
    assert ledger.deaths([replace(video, fingerprint="2-2")]).popitem()[1] == none
    assert Ledger(store, run_of({}), "a").deaths([video]) == {video: none}
    # What died in a call that was killed counts too, but less.
    later = Ledger(store, RUN, "b")
    assert later.deaths([video]) == {video: Deaths(0, 1)}
    dying = later.attempt(video, Deaths(0, 1))
    dying.__enter__()
    assert ledger.deaths([video]) == {video: Deaths(1, 2)}
    later.forgive([video, other])
    assert ledger.deaths([video]) == {video: one}
    assert [deaths.are_too_many for deaths in (one, two, Deaths(1, 4), Deaths(0, 5))] == [
        False,
        True,
        False,
        True,
    ]
    ledger.forget([video, other])
    assert store.names(".attempts") == []


def test_what_ends_early_by_itself_counts_for_nothing(tmp_path: Path) -> None:
    place, videos = Place(tmp_path), made_up_videos(40)
    ledger = Ledger(LocalStore(tmp_path), RUN, place.call)
    dying: list[Any] = []

    def begins_and_stops(work: Any, take: Callable[[], Shard | None]) -> Iterator[News]:
        first, second = take(), take()
        assert first is not None
        assert second is not None
        for video in (first.videos[1], second.videos[2]):
            dying.append(ledger.attempt(video, Deaths(0, 0)))
            dying[-1].__enter__()
        yield Lost(first, "it was killed")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_to_its_end(place, videos, begins_and_stops)
    died = [video for video, deaths in ledger.deaths(videos).items() if deaths != Deaths(0, 0)]
    assert died == [videos[1]]


def test_what_is_written_elsewhere_is_told(tmp_path: Path) -> None:
    def writes_elsewhere(work: Any, take: Callable[[], Shard | None]) -> Iterator[News]:
        while (shard := take()) is not None:
            yield Finished(shard, write_made_up(Place(tmp_path / "there"), shard))

    (tmp_path / "there").mkdir()
    with pytest.raises(OutputError, match="name a folder that all machines share"):
        bring_to_its_end(Place(tmp_path / "here"), made_up_videos(3), writes_elsewhere)


def test_a_shard_says_what_a_run_says(clip: Path, tmp_path: Path, archive_work: Work) -> None:
    """Also of the logits, and of videos that fail."""
    from movistream.watch.pool import StreamPool
    from movistream.watch.watcher import Seen, Step

    videos = some_videos(clip, tmp_path / "videos")
    news = bring_to_its_end(archive_work, videos, watches_here)
    outcomes = {o.video: o for n in news if isinstance(n, Finished) for o in n.outcomes}
    assert list(outcomes) == [video.text for video in videos]
    rows = rows_of(Path(archive_work.place))
    ends: dict[str, Any] = {}
    steps: list[Step] = []
    events: list[Seen] = []
    from movistream.cli.run_options import source_options, watch_options

    with movistream.load(archive_work.models[0]) as model:
        request = archive_work.request
        names = [video.name for video in videos]
        with StreamPool(
            model,
            names,
            watch_options(request),
            source_options=source_options(request, model),
        ) as pool:
            for item in pool:
                if isinstance(item, Step):
                    steps.append(item)
                elif isinstance(item, Seen) and item.event.phase == "end":
                    events.append(item)
                elif isinstance(item, movistream.Ended):
                    ends[item.stream] = item
    found = [row for row in rows if row["type"] == "step"]
    assert len(found) == len(steps) > 40
    for row, step in zip(found, sorted(steps, key=lambda step: step.stream), strict=True):
        assert (row["video"], row["frame"]) == (step.stream, step.result.frame)
        assert row["logits"] == pytest.approx(step.result.logits.tolist(), abs=1e-6)
        assert [entry["index"] for entry in row["top"]] == [entry.index for entry in step.top]
        scores = [entry.score for entry in step.top]
        assert [entry["score"] for entry in row["top"]] == pytest.approx(scores, abs=1e-6)
    found = [row for row in rows if row["type"] == "event"]
    assert len(found) == len(events) > 2
    for row, seen in zip(found, sorted(events, key=lambda seen: seen.stream), strict=True):
        assert row["label"] == seen.event.label
        told = (seen.event.start_s, seen.event.end_s, seen.event.peak_score)
        assert (row["start_s"], row["end_s"], row["score"]) == pytest.approx(told, abs=1e-6)
    found = [row for row in rows if row["type"] == "video"]
    assert [row["video"] for row in found] == sorted(ends)
    for row in found:
        end = ends[row["video"]]
        assert row["error"] == (None if end.error is None else str(end.error))
        assert (row["status"] == "error") == (end.error is not None)
        assert row["frames"] == end.steps
        assert row["label"] == (end.top[0].label if end.top else None)
    assert {row["status"] for row in found} == {"done", "error"}
    assert marks_in(archive_work) == []


def test_a_video_that_kills_is_given_up(clip: Path, tmp_path: Path, archive_work: Work) -> None:
    videos = some_videos(clip, tmp_path / "videos")[:3]
    dying: list[Any] = []
    with ready(archive_work) as worker:
        for number in range(MOST_DEATHS):
            deaths = worker.ledger.deaths(videos)[videos[1]]
            assert deaths == Deaths(number, number)
            dying.append(worker.ledger.attempt(videos[1], deaths))
            dying[-1].__enter__()
        (shard,) = cut(videos, archive_work.run, 1)
        with claimed(worker.store, archive_work.call):
            outcomes = watch_shard(worker, shard)
    assert [outcome.attempts for outcome in outcomes] == [1, MOST_DEATHS, 1]
    assert outcomes[1].status == "error"
    assert "has died 2 times at this video" in (outcomes[1].error or "")
    rows = [row for row in rows_of(Path(archive_work.place)) if row["type"] == "video"]
    assert [row["attempts"] for row in rows] == [1, MOST_DEATHS, 1]
    assert marks_in(archive_work) == []


def test_a_worker_that_is_stopped_leaves_nothing(
    clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    videos = some_videos(clip, tmp_path / "videos")
    (shard,) = cut(videos, archive_work.run, 1)
    frames = 0

    def goes_on() -> bool:
        nonlocal frames
        frames += 1
        return frames < 20

    Path(archive_work.place).mkdir()
    with ready(archive_work) as worker, claimed(worker.store, archive_work.call):
        with pytest.raises(StoppedError):
            watch_shard(worker, shard, goes_on=goes_on)
        assert [path.name for path in Path(archive_work.place).iterdir()] == [".call", ".attempts"]
        assert marks_in(archive_work) == []
        watch_shard(worker, shard)
    assert shard_files(LocalStore(Path(archive_work.place))) == (file_name(shard),)


def test_what_is_the_workers_fault_is_no_videos(
    clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    """It is not written as what came of a video, which would not be watched again then."""
    (shard,) = cut(some_videos(clip, tmp_path / "videos"), archive_work.run, 1)
    Path(archive_work.place).mkdir()
    frames = 0
    with ready(archive_work) as worker:

        def goes_on() -> bool:
            nonlocal frames
            frames += 1
            if frames == 20:
                worker.model.close()
            return True

        with claimed(worker.store, "0"), pytest.raises(MovistreamError, match="closed"):
            watch_shard(worker, shard, goes_on=goes_on)
    assert shard_paths(Path(archive_work.place)) == []


def test_a_worker_that_outlives_its_call_writes_nothing(
    clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    """Else what another call has done meanwhile would be there twice."""
    (shard,) = cut(some_videos(clip, tmp_path / "videos"), archive_work.run, 1)
    store = LocalStore(Path(archive_work.place))
    later: list[Any] = []
    frames = 0

    def goes_on() -> bool:
        nonlocal frames
        frames += 1
        if frames == 20:
            later.append(claimed(store, "1"))
            later[-1].__enter__()
        return True

    with ready(archive_work) as worker, claimed(store, "0"):
        with pytest.raises(OutputError, match="another call of the command has taken over"):
            watch_shard(worker, shard, goes_on=goes_on)
        assert frames > 40
        with pytest.raises(OutputError, match="another call of the command has taken over"):
            watch_shard(worker, shard)
    assert shard_files(store) == ()
    assert store.names(".call") == ["1"]
    assert store.names(".attempts") == []


def test_a_full_disk_ends_it_and_the_same_goes_on(
    clip: Path, tmp_path: Path, archive_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = some_videos(clip, tmp_path / "videos")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full_after(1000, Path.open))
        with pytest.raises(OutputError, match=r"cannot write .*: No space left on device"):
            bring_to_its_end(archive_work, videos, watches_here)
    names = {path.name for path in Path(archive_work.place).iterdir()}
    assert names <= {".lock", ".attempts", ".call"}
    bring_to_its_end(archive_work, videos, watches_here)
    assert sum(row["type"] == "video" for row in rows_of(Path(archive_work.place))) == len(videos)


def test_a_foreign_file_is_not_removed(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    foreign = tmp_path / "shard-of-somebody.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), foreign)
    with pytest.raises(OutputError, match="no table of this version"):
        bring_to_its_end(Place(tmp_path), made_up_videos(3))
    assert foreign.exists()
    with pytest.raises(OutputError, match="there is no archive"):
        read_archive(LocalStore(tmp_path / "missing"))
    with pytest.raises(OutputError, match=r"cannot read the archive .*: Not a directory"):
        read_archive(LocalStore(foreign))
