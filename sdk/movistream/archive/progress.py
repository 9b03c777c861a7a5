"""What is told while an archive is at work."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from movistream.archive.carriers import Finished, Lost, News, Told, Watched
from movistream.archive.status import hours_of
from movistream.parquet.footer import VideoOutcome
from movistream.system.text import printable

_KEPT_FAILURES = 10


@dataclass
class Tally:
    """What has happened so far.

    Attributes:
        videos: that are written.
        hours: of these.
        frames: of these.
        failed: of these, with an error.
        failures: the first of them.
        underway: videos by shard that have been watched, and are not written yet.
        losses: shards whose worker has died.
    """

    videos: int = 0
    hours: float = 0.0
    frames: int = 0
    failed: int = 0
    losses: int = 0
    failures: list[VideoOutcome] = field(default_factory=list)
    underway: Counter[str] = field(default_factory=Counter)

    def take(self, news: News) -> None:
        """Takes what a carrier tells."""
        if isinstance(news, Watched):
            self.underway[news.shard.name] += 1
        elif isinstance(news, Lost):
            self.losses += 1
            del self.underway[news.shard.name]
        elif isinstance(news, Finished):
            del self.underway[news.shard.name]
            failures = [video for video in news.outcomes if video.status == "error"]
            self.videos += len(news.outcomes)
            self.hours += hours_of(news.outcomes)
            self.frames += sum(video.frames for video in news.outcomes)
            self.failed += len(failures)
            self.failures += failures[: _KEPT_FAILURES - len(self.failures)]


@contextmanager
def shown(tally: Tally, videos: int, *, terminal: bool) -> Iterator[Callable[[News], None]]:
    """Takes news into the tally; on a terminal, a bar shows it on stderr.

    Args:
        videos: that there are to do.
    """
    if not terminal:

        def take(news: News) -> None:
            tally.take(news)
            for text in _told(news):
                click.echo(f"movistream: {text}", err=True)

        yield take
        return
    console = Console(stderr=True)
    began_s = time.monotonic()
    with Progress(
        SpinnerColumn(),
        BarColumn(),
        TextColumn("{task.fields[facts]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task("", total=videos, facts=f"0 of {videos:,} videos")

        def show(news: News) -> None:
            tally.take(news)
            for text in _told(news):
                console.print(text, markup=False, highlight=False)
            done = tally.videos + tally.underway.total()
            rate = tally.hours / max(1e-3, time.monotonic() - began_s) * 3600
            facts = f"{done:,} of {videos:,} videos, {rate:,.0f} hours of video per hour"
            if tally.failed:
                facts += f", {tally.failed:,} failed"
            progress.update(bar, completed=done, facts=facts)

        yield show


def _told(news: News) -> list[str]:
    if isinstance(news, Told):
        return [printable(news.text)]
    if isinstance(news, Lost):
        return [f"a worker has died ({news.reason}); its {len(news.shard.videos)} videos go on"]
    return []
