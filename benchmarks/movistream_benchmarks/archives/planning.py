"""What it costs to plan, take up again and ask an archive of many videos, of which none is watched.

python -m movistream_benchmarks.archives.planning --videos 100000
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from movistream.archive.finding import find_videos_of
from movistream.archive.folder import file_name, read_archive, standing
from movistream.archive.plan import Shard, cut
from movistream.archive.query import answered
from movistream.archive.store import LocalStore
from movistream.cli import main as run_command
from movistream.parquet.footer import Footer, Run, VideoOutcome, run_of
from movistream.parquet.schema import VERSION
from movistream.parquet.table_file import table_file
from movistream_benchmarks.bench_command import print_table
from movistream_benchmarks.tables import BenchmarkTable

_FILES_PER_FOLDER = 1000
_LABELS = ("walk", "run", "wave", "fall")
_QUESTIONS = {
    "count the steps of each class": "SELECT label, count(*) FROM steps GROUP BY 1",
    "find the 20 surest moments of a class": (
        "SELECT video, time_s, score FROM steps WHERE label = 'fall' ORDER BY score DESC LIMIT 20"
    ),
    "count what failed": "SELECT status, count(*) FROM videos GROUP BY 1",
}


def make_up(folder: Path, videos: int) -> None:
    """Files without content."""
    for start in range(0, videos, _FILES_PER_FOLDER):
        below = folder / f"{start // _FILES_PER_FOLDER:04}"
        below.mkdir(parents=True)
        for number in range(start, min(videos, start + _FILES_PER_FOLDER)):
            (below / f"{number:07}.mp4").touch()


def write_made_up(store: LocalStore, run: Run, shard: Shard, steps: int) -> None:
    """A shard whose rows say nothing."""
    labels = itertools.cycle(_LABELS)
    with store.replaced(file_name(shard)) as part, table_file(part) as file:
        for video in shard.videos:
            begun = {"run": run.id, "video": video.text}
            for step, label in zip(range(steps), labels, strict=False):
                score = (step * 37 % 100) / 100
                told = {"frame": step, "time_s": step / 5, "label": label, "score": score}
                file.add({**begun, **told, "type": "step"})
            file.add({**begun, "type": "video", "status": "done", "frames": steps})
        outcomes = tuple(
            VideoOutcome(video.text, video.fingerprint, "done", None, 1, steps, steps / 5, 1.0)
            for video in shard.videos
        )
        file.finish(Footer(VERSION, run, outcomes))


@click.command()
@click.option("--videos", default=100_000, show_default=True, type=click.IntRange(1))
@click.option("--steps", default=10, show_default=True, help="Of each video.")
def main(videos: int, steps: int) -> None:
    """Measures it."""
    rows: list[tuple[str, str]] = []

    @contextmanager
    def timed(what: str) -> Iterator[None]:
        began_s = time.monotonic()
        yield
        rows.append((what, f"{time.monotonic() - began_s:.2f}"))

    def ask(question: str, folder: Path) -> int:
        with answered(str(folder), question) as (_, found):
            return len(list(found))

    with tempfile.TemporaryDirectory() as temporary:
        sources, folder = Path(temporary, "videos"), Path(temporary, "archive")
        make_up(sources, videos)
        store, run = LocalStore(folder), run_of({"model": "made up"})
        with timed("plan: list files"):
            found = find_videos_of([str(sources)])
        with timed("plan: cut shards"):
            shards = cut(found, run, 2)
        with store.kept():
            for shard in shards:
                write_made_up(store, run, shard, steps)
        with timed("resume: list files"):
            found = find_videos_of([str(sources)])
        with timed("resume: read footers"):
            archive = read_archive(store)
        with timed("resume: find what is left"):
            now = standing(archive, run, found)
        assert not now.left
        for what, question in _QUESTIONS.items():
            with timed(f"query: {what}"):
                assert ask(question, folder)
    print_table(
        BenchmarkTable(
            f"{videos:,} videos of {steps} steps in {len(shards):,} shards",
            ("what", "seconds"),
            tuple(rows),
            "Files of one folder for each 1,000 videos; each once, on a disk that has just written"
            " them.",
        )
    )


if __name__ == "__main__":
    run_command(command=main, name="planning")
