"""Archives in an object store: one of S3's kind, on this machine (``make test-cluster``)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from movistream.archive import copies, store, work
from movistream.archive.carriers import Finished
from movistream.archive.claim import claimed
from movistream.archive.finding import find_videos_of
from movistream.archive.folder import read_archive, shard_files
from movistream.archive.ledger import Deaths, Ledger
from movistream.archive.plan import Video, cut
from movistream.archive.store import RemoteStore, store_at
from movistream.archive.work import Work, ready, watch_shard
from movistream.errors import OutputError, VideoError
from tests.cluster import need
from tests.sdk.archives import (
    archive_work,
    bring_to_its_end,
    hired,
    rows_of,
    some_videos,
    watches_here,
)
from tests.sdk.test_archive_command import run

need("moto", "s3fs")

__all__ = ["archive_work"]

Capture = pytest.CaptureFixture[str]
SECRET = "wJalrXUtnFEMIK7MDENG"


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    from moto.server import ThreadedMotoServer

    started = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def bucket(server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket, ``s3://movies``."""
    import s3fs

    _, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}"),
        ("AWS_ACCESS_KEY_ID", "somebody"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(store, "_FIRST_WAIT_S", 0.05)
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem(use_listings_cache=False)
    system.mkdir("movies")
    yield system
    system.rm("movies", recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()


def some_objects(bucket: Any, clip: Path, tmp_path: Path) -> list[Video]:
    """As :func:`.some_videos` has them, with a file that is none and a name below a name."""
    for video in some_videos(clip, tmp_path / "videos"):
        path = Path(video.name)
        # This store takes no name of several lines.
        if path.exists() and "\n" not in path.name:
            bucket.put_file(str(path), f"movies/in/{path.name}")
    bucket.pipe_file("movies/in/notes.txt", b"no video")
    bucket.put_file(str(clip), "movies/in/a.avi/deeper.avi")
    return list(find_videos_of(["s3://movies/in", "s3://movies/in/missing.mp4"]))


def downloaded(bucket: Any, place: str, folder: Path) -> list[dict[str, Any]]:
    """The rows of an archive there."""
    folder.mkdir()
    for path in bucket.ls(place, detail=False):
        if path.endswith(".parquet"):
            bucket.get_file(path, str(folder / path.rpartition("/")[2]))
    return rows_of(folder)


def test_names_of_objects_open_nothing_else(
    bucket: Any, clip: Path, archive_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With signs that join addresses to others in fsspec, or that secrets stand behind."""
    monkeypatch.setattr(copies, "PATIENCE_S", 0.0)
    for name in ("a::file:", "q?x=1", "u@h:p w", "100%41", "a#b"):
        bucket.put_file(str(clip), f"movies/in/{name}.avi")
    videos = find_videos_of(["s3://movies/in"])
    bring_to_its_end(archive_work, videos, watches_here)
    rows = [row for row in rows_of(Path(archive_work.place)) if row["type"] == "video"]
    assert [row["video"] for row in rows] == [video.name for video in videos]
    assert [row["status"] for row in rows] == ["done"] * 5


def test_objects_become_the_table_of_files(
    bucket: Any, clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    """Whoever carries them; in a bucket, and on this machine."""
    videos = some_objects(bucket, clip, tmp_path)
    assert [video.name for video in videos][:2] == ["s3://movies/in/=b.avi", "s3://movies/in/a.avi"]
    assert len(videos) == 7
    names = [*(tmp_path / "videos").iterdir(), tmp_path / "videos/missing.mp4"]
    files = find_videos_of([str(path) for path in names if "\n" not in path.name])
    bring_to_its_end(archive_work, files, watches_here)
    expected = rows_of(Path(archive_work.place))
    (tmp_path / "mixed").mkdir()
    for number, (name, carrier) in enumerate(
        (("s3://movies/one", watches_here), ("s3://movies/two", hired("processes", 2)))
    ):
        in_store = replace(archive_work, place=name)
        news = bring_to_its_end(in_store, videos, carrier)
        assert all(isinstance(each, Finished) for each in news if each.__class__ is Finished)
        rows = downloaded(bucket, name, tmp_path / f"{number}")
        found = [row for row in rows if "deeper" not in row["video"]]
        for row in found:
            row["video"] = str(tmp_path / "videos" / row["video"].rpartition("/")[2])
        assert len(found) == len(expected)
        for row, other in zip(sorted_rows(found), sorted_rows(expected), strict=True):
            names = set(row) - {"fingerprint", "error", "run"}
            assert {name: row[name] for name in names} == {name: other[name] for name in names}
            assert (row["error"] is None) == (other["error"] is None)
        told = {row["error"] for row in rows if row["status"] == "error"}
        assert [text for text in told if "movies/in/" not in text] == []
        names_there = store_at(name).names()
        assert [each for each in names_there if not each.startswith("shard-")] in (
            [".lock"],
            [".attempts", ".lock"],
        )


def sorted_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["video"], row["type"], row["frame"] or 0, str(row)))


def test_a_shard_costs_one_request_to_write_and_a_video_two_and_one(
    bucket: Any, clip: Path, tmp_path: Path, archive_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A video's are a mark that is made and removed, and the reading of it."""
    import s3fs

    some_objects(bucket, clip, tmp_path)
    videos = find_videos_of(["s3://movies/in"])
    (shard,) = cut(videos, archive_work.run, 1)
    asked: Counter[str] = Counter()
    really = s3fs.S3FileSystem._call_s3

    async def call(self: Any, method: str, *arguments: Any, **named: Any) -> Any:
        asked[method] += 1
        return await really(self, method, *arguments, **named)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", call)
    there = replace(archive_work, place="s3://movies/out")
    with ready(there) as worker, claimed(worker.store, there.call):
        asked.clear()
        watch_shard(worker, shard)
        counts = Counter(asked)
    assert counts["put_object"] == 1 + len(videos)
    assert counts["delete_object"] == len(videos)
    assert counts["get_object"] == len(videos)
    assert counts["list_objects_v2"] <= 4


def test_what_was_interrupted_goes_on(
    bucket: Any, clip: Path, tmp_path: Path, archive_work: Work
) -> None:
    """Shards that are damaged, doubled or gone, and an object that has changed."""
    objects = some_objects(bucket, clip, tmp_path)
    for number in range(40):
        bucket.put_file(str(clip), f"movies/in/more/{number:02}.avi")
    videos = list(find_videos_of(["s3://movies/in"]))
    assert len(videos) == len(objects) - 1 + 40
    in_store = replace(archive_work, place="s3://movies/out")
    there = store_at(in_store.place)
    assert not there.exists()
    bring_to_its_end(in_store, videos, watches_here)
    rows = downloaded(bucket, "movies/out", tmp_path / "first")
    names = shard_files(there)
    assert len(names) > 3
    chance = random.Random(0)
    data = bucket.cat_file(f"movies/out/{names[0]}")
    bucket.pipe_file(f"movies/out/{names[0]}", data[: chance.randrange(len(data))])
    bucket.rm_file(f"movies/out/{names[1]}")
    run_id = names[2].split("-")[1]
    bucket.copy(f"movies/out/{names[2]}", f"movies/out/shard-{run_id}-{'0' * 16}.parquet")
    bring_to_its_end(in_store, videos, watches_here)
    assert downloaded(bucket, "movies/out", tmp_path / "second") == rows
    assert bring_to_its_end(in_store, videos, watches_here) == []
    # Another content, in a file as long.
    data = bucket.cat_file("movies/in/more/07.avi")
    bucket.pipe_file("movies/in/more/07.avi", data[:-4] + b"\1\2\3\4")
    again = list(find_videos_of(["s3://movies/in"]))
    (news,) = bring_to_its_end(in_store, again, watches_here)
    assert isinstance(news, Finished)
    assert [outcome.video for outcome in news.outcomes] == ["s3://movies/in/more/07.avi"]
    third = downloaded(bucket, "movies/out", tmp_path / "third")
    assert Counter(row["video"] for row in third) == Counter(row["video"] for row in rows)


def test_marks_are_objects(bucket: Any, archive_work: Work) -> None:
    there = store_at("s3://movies/out")
    ledger = Ledger(there, archive_work.run, "a")
    video, none = Video("s3://movies/in/a.avi", "1-1"), Deaths(0, 0)
    with ledger.attempt(video, none):
        assert ledger.deaths([video]) == {video: Deaths(1, 1)}
    assert ledger.deaths([video]) == {video: none}
    dying = ledger.attempt(video, none)
    dying.__enter__()
    ledger.forgive([video])
    assert ledger.deaths([video]) == {video: none}


def test_an_object_that_goes_is_a_row(bucket: Any, clip: Path, archive_work: Work) -> None:
    for name in "abc":
        bucket.put_file(str(clip), f"movies/in/{name}.avi")
    videos = find_videos_of(["s3://movies/in"])
    bucket.rm_file("movies/in/b.avi")
    (news,) = bring_to_its_end(replace(archive_work, place="s3://movies/out"), videos, watches_here)
    assert isinstance(news, Finished)
    assert [outcome.status for outcome in news.outcomes] == ["done", "error", "done"]
    assert news.outcomes[1].error == "s3://movies/in/b.avi is not there"


def test_a_store_that_does_not_answer_ends_it_and_the_same_goes_on(
    bucket: Any, clip: Path, archive_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its videos have not failed."""
    import s3fs

    for name in "abc":
        bucket.put_file(str(clip), f"movies/in/{name}.avi")
    videos = find_videos_of(["s3://movies/in"])
    in_store = replace(archive_work, place="s3://movies/out")
    monkeypatch.setattr(copies, "PATIENCE_S", 0.3)
    monkeypatch.setattr(work, "PATIENCE_S", 0.3)
    really = s3fs.S3FileSystem._call_s3
    calls = 0

    async def call(self: Any, method: str, *arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += method == "get_object"
        if calls > 1:
            raise ConnectionError("nobody answers")
        return await really(self, method, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(s3fs.S3FileSystem, "_call_s3", call)
        with pytest.raises(OutputError, match=r"cannot use s3://movies/.*: nobody answers"):
            bring_to_its_end(in_store, videos, watches_here)
    assert shard_files(store_at("s3://movies/out")) == ()
    bring_to_its_end(in_store, videos, watches_here)
    (shard,) = read_archive(store_at("s3://movies/out")).shards
    assert [outcome.status for outcome in shard.footer.videos] == ["done"] * 3


def test_a_store_that_is_slow_to_answer_is_waited_for(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = RemoteStore("s3://movies/out", 5.0)
    left = [ConnectionError("not yet"), OSError("nor now")]
    really = there.system.pipe_file

    def pipe(*arguments: Any, **named: Any) -> Any:
        if left:
            raise left.pop()
        return really(*arguments, **named)

    monkeypatch.setattr(there.system, "pipe_file", pipe)
    there.touch("a")
    assert there.names() == ["a"]
    left += [PermissionError("Access Denied"), OSError("never asked")]
    left.reverse()
    with pytest.raises(OutputError, match="cannot use s3://movies/out: Access Denied"):
        there.touch("b")
    assert len(left) == 1


def test_the_command(
    bucket: Any, clip: Path, tmp_path: Path, model_path: Path, capsys: Capture
) -> None:
    some_objects(bucket, clip, tmp_path)
    arguments = (model_path, "s3://movies/in", "-o", "s3://movies/out", "--workers", "2")
    assert run(*arguments, "--dry-run") == 0
    assert capsys.readouterr().out == "6 videos: 0 finished, 6 left\n"
    assert run(*arguments) == 1
    told = capsys.readouterr()
    assert "3 videos failed:" in told.err
    assert run("status", "s3://movies/out", "--json") == 0
    assert '"videos": 6, "failed": 3' in capsys.readouterr().out
    assert run("query", "s3://movies/out", "SELECT status, count(*) FROM videos GROUP BY 1") == 0
    assert sorted(capsys.readouterr().out.splitlines()[1:]) == ["done,3", "error,3"]
    assert run(*arguments) == 1
    assert capsys.readouterr().err == (
        "6 videos finished before, of which 3 failed (--retry runs them once more)\n"
    )


@pytest.mark.parametrize(
    ("sources", "place", "message"),
    [
        ("s3://nowhere/in", "s3://movies/out", "there is neither a folder nor a file"),
        ("s3://movies/in", "s3://nowhere/out", "cannot write in s3://nowhere"),
        ("s4://movies/in", "s3://movies/out", "cannot open s4://movies: Protocol not known"),
        ("gs://movies/in", "s3://movies/out", "gs:// needs another package: "),
        ("file:///movies/in", "s3://movies/out", "is on this machine: give a path"),
        (f"s3://somebody:{SECRET}@movies/in", "s3://movies/out", "belongs in the environment"),
        (f"s3://somebody:wJal/{SECRET}@movies/in", "s3://movies/out", "belongs in the environment"),
        ("s3://movies/in", f"s3://movies/out?token={SECRET}", "belongs in the environment"),
        ("s3://movies/in", f"s3:/{SECRET}@movies/out", "belongs in the environment"),
    ],
)
def test_addresses_that_lead_nowhere(
    sources: str,
    place: str,
    message: str,
    bucket: Any,
    clip: Path,
    model_path: Path,
    capsys: Capture,
) -> None:
    bucket.put_file(str(clip), "movies/in/a.avi")
    assert run(model_path, sources, "-o", place) == 1
    told = capsys.readouterr()
    assert message in told.err
    assert SECRET not in told.err + told.out
    assert told.err.count("\n") == 1


def test_keys_stay_secret(
    bucket: Any,
    clip: Path,
    tmp_path: Path,
    model_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever goes wrong, neither messages nor tables have them."""
    some_objects(bucket, clip, tmp_path)
    assert run(model_path, "s3://movies/in", "-o", tmp_path / "out", "--workers", "1") == 1
    told = capsys.readouterr()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://somebody:{SECRET}@127.0.0.1:1")
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    assert run(model_path, "s3://movies/in", "-o", tmp_path / "out", "--workers", "1") != 0
    more = capsys.readouterr()
    assert "cannot use s3://movies" in more.err
    for text in (told.err, told.out, more.err, more.out):
        assert SECRET not in text
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()


def test_sources_that_are_no_objects_stay_what_they_were() -> None:
    with pytest.raises(VideoError, match="is no file"):
        find_videos_of(["https://example.org/a.mp4"])
