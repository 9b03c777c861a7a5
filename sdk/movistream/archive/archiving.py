"""An archive from what was asked to its last shard."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import click

from movistream.archive.course import carried
from movistream.archive.finding import find_videos_of
from movistream.archive.folder import Archive, Standing, check_run, mend, read_archive, standing
from movistream.archive.hiring import CarrierName, crew_of
from movistream.archive.ledger import Ledger
from movistream.archive.plan import Video, cut
from movistream.archive.progress import Tally, shown
from movistream.archive.store import Store, store_at
from movistream.archive.work import Work
from movistream.cli.requests import load_models, rate_notes
from movistream.cli.run_options import Request, table_run, watch_options
from movistream.system.text import printable
from movistream.watch.scores import scorer_of


@dataclass(frozen=True)
class Asked:
    """What ``movistream archive`` was asked for.

    Attributes:
        place: path or address of the folder that it is written to.
        beside: whether other runs may be in the folder.
        logits: whether they are written.
        dry_run: whether to say only what there is to do.
        retry: whether videos that have failed are run again.
        carrier: who watches.
        address: of the carrier's cluster; None for one on this machine.
        workers: that watch; None for as many as there are cores.
    """

    models: tuple[Path, ...]
    sources: tuple[str, ...]
    request: Request
    place: str
    beside: bool
    logits: bool
    dry_run: bool
    retry: bool
    carrier: CarrierName
    address: str | None
    workers: int | None


def archive_videos(asked: Asked) -> None:
    """Watches all videos that are not finished, and says what came of it.

    Raises:
        MovistreamError: if it cannot begin, or the folder cannot be written.
        KeyboardInterrupt: if it was interrupted; the same again goes on.
        SystemExit: with code 1, if videos have failed, now or before.
    """
    videos = find_videos_of(asked.sources)
    store = store_at(asked.place)
    work = _work(asked)
    if asked.dry_run:
        found = read_archive(store) if store.exists() else Archive((), ())
        _check(asked, found, store, work)
        _say_what_is_left(videos, standing(found, work.run, videos, retry=asked.retry))
        return
    tally = Tally()
    with store.kept():
        found = read_archive(store)
        _check(asked, found, store, work)
        before = standing(found, work.run, videos, retry=asked.retry)
        mend(store, found, before.outdated)
        if before.finished:
            text = f"{_count(before.finished, 'video')} finished before"
            if before.failed:
                text += f", of which {before.failed:,} failed (--retry runs them once more)"
            click.echo(text, err=True)
        if before.left:
            try:
                _carry(asked, work, before, store, tally)
            finally:
                _summarise(tally, before)
        Ledger(store, work.run, work.call).forget_all()
    if before.failed or tally.failed:
        sys.exit(1)


def _carry(asked: Asked, work: Work, before: Standing, store: Store, tally: Tally) -> None:
    with ExitStack() as stack:
        crew = stack.enter_context(crew_of(asked.carrier, asked.workers, asked.address))
        show = stack.enter_context(shown(tally, len(before.left), terminal=sys.stderr.isatty()))
        shards = cut(before.left, work.run, crew.workers)
        for news in stack.enter_context(closing(carried(work, shards, crew.carry, store))):
            show(news)


def _work(asked: Asked) -> Work:
    """The work, after a look whether the models can be loaded and do what is asked."""
    with ExitStack() as stack:
        loaded, model = load_models(asked.models, asked.request, stack)
        scorer_of(watch_options(asked.request).scores, model)
        for note in rate_notes(loaded, model, asked.request):
            click.echo(f"movistream: {note}", err=True)
        run = table_run(asked.request, model, logits=asked.logits)
    return Work(
        asked.models,
        asked.request,
        run,
        asked.place,
        asked.logits,
        secrets.token_hex(8),
    )


def _check(asked: Asked, found: Archive, store: Store, work: Work) -> None:
    if not asked.beside:
        check_run(found, store, work.run)


def _say_what_is_left(videos: Sequence[Video], now: Standing) -> None:
    changed = sum(map(len, now.outdated.values()))
    text = f"{_count(len(videos), 'video')}: {now.finished:,} finished"
    if now.failed:
        text += f" ({now.failed:,} failed)"
    text += f", {len(now.left):,} left"
    if changed:
        text += f"; {changed:,} rows are to be written anew"
    click.echo(text)


def _summarise(tally: Tally, before: Standing) -> None:
    if not tally.videos and not tally.losses:
        return
    text = f"{_count(tally.videos, 'video')}, {tally.hours:,.2f} hours"
    text += f", {_count(tally.frames, 'frame')}"
    if left := len(before.left) - tally.videos:
        text += f"; {_count(left, 'video')} left: the same command goes on"
    click.echo(text, err=True)
    if tally.failed:
        click.echo(f"{_count(tally.failed, 'video')} failed:", err=True)
        for video in tally.failures:
            error = printable(video.error or "")
            named = error if video.video in error else f"{printable(video.video)}: {error}"
            click.echo(f"  {named}", err=True)
        if more := tally.failed - len(tally.failures):
            click.echo(f"  and {more:,} more", err=True)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
