"""What a worker does, on whatever machine: it loads the models once, and watches shards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from movistream.archive.folder import attempts_folder, shard_path
from movistream.archive.ledger import MOST_DEATHS, Ledger
from movistream.archive.plan import Shard, Video
from movistream.cli.requests import load_models
from movistream.cli.run_options import Request, source_options, watch_options
from movistream.parquet.footer import Run, VideoOutcome
from movistream.parquet.recording import Recorder
from movistream.parquet.table_file import table_file
from movistream.stream.ensemble import Streamable
from movistream.watch.lane import Item, Lane

_GIVEN_UP = (
    f"its process has died {MOST_DEATHS} times at this video, which is not tried again: it crashes"
    " what decodes it, or needs more memory than there is"
)


class StoppedError(Exception):
    """Nobody wants a shard any more that is being watched."""


@dataclass(frozen=True)
class Work:
    """What all workers of a run are told; it can be sent to other processes.

    Attributes:
        models: paths of the model files.
        request: how they are run and sources are watched.
        run: see :class:`.Run`.
        folder: that shards are written to.
        logits: whether the tables have the logits of each step.
    """

    models: tuple[Path, ...]
    request: Request
    run: Run
    folder: Path
    logits: bool


@dataclass(frozen=True)
class Ready:
    """A worker that has loaded its models."""

    work: Work
    model: Streamable
    ledger: Ledger


@contextmanager
def ready(work: Work) -> Iterator[Ready]:
    """Loads the models.

    Raises:
        MovistreamError: if one cannot be loaded, or the folder cannot be written.
    """
    with ExitStack() as stack:
        _, model = load_models(work.models, work.request, stack)
        yield Ready(work, model, Ledger(attempts_folder(work.folder), work.run))


def always() -> bool:
    """The default of who is never stopped."""
    return True


def nobody(outcome: VideoOutcome) -> None:
    """The default of who tells nobody."""


def watch_shard(
    worker: Ready,
    shard: Shard,
    *,
    goes_on: Callable[[], bool] = always,
    on_video: Callable[[VideoOutcome], None] = nobody,
) -> tuple[VideoOutcome, ...]:
    """Watches the videos of a shard one after the other, and writes its file, whole or not at all.

    A video that fails is a row like others. So is one at which processes have died before, which
    is not begun again then.

    Args:
        goes_on: is asked before each frame; the shard is dropped when it says no.
        on_video: is called after each video.

    Returns:
        What came of each video, in their order.

    Raises:
        StoppedError: if it does not go on.
        OutputError: if the file or the ledger cannot be written.
    """
    work, ledger = worker.work, worker.ledger
    classes = worker.model.classes if work.logits else None
    with table_file(shard_path(work.folder, shard), classes) as file:
        recorder = Recorder(file, work.run, logits=work.logits)
        for video in shard.videos:
            deaths = ledger.deaths(video)
            if deaths >= MOST_DEATHS:
                recorder.give_up(video.name, video.fingerprint, deaths, _GIVEN_UP)
            else:
                with ledger.attempt(video):
                    recorder.begin(video.name, video.fingerprint, deaths + 1)
                    for item in _happening(worker, video, goes_on):
                        recorder.take(item)
            on_video(recorder.outcomes[-1])
        file.finish(recorder.footer())
    ledger.forget(shard.videos)
    return tuple(recorder.outcomes)


def _happening(worker: Ready, video: Video, goes_on: Callable[[], bool]) -> Iterator[Item]:
    """What happens in a video, to its end or to the error that ends it."""
    request, model = worker.work.request, worker.model
    lane = Lane(
        video.name, video.name, model, watch_options(request), source_options(request, model)
    )
    error: Exception | None = None
    try:
        while not lane.ended:
            if not goes_on():
                raise StoppedError
            items: list[Item] = []
            try:
                for item in lane.look():
                    items.append(item)  # noqa: PERF402 - those before an error count
            except Exception as caught:
                error, lane.ended = caught, True
            yield from items
        yield from lane.end(error)
    finally:
        lane.close()
