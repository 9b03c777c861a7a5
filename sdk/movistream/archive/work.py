"""What a worker does, on whatever machine: it loads the models once, and watches shards."""

from __future__ import annotations

import faulthandler
import math
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from movistream._version import __version__
from movistream.archive.claim import check_claim
from movistream.archive.copies import openers_of
from movistream.archive.folder import file_name
from movistream.archive.ledger import Ledger
from movistream.archive.plan import Shard, Video
from movistream.archive.store import PATIENCE_S, Store, store_at
from movistream.cli.requests import load_models
from movistream.cli.run_options import Request, source_options, watch_options
from movistream.errors import FrameError, ModelError, MovistreamError, VideoError
from movistream.parquet.footer import Run, VideoOutcome
from movistream.parquet.recording import Recorder
from movistream.parquet.table_file import table_file
from movistream.stream.ensemble import Streamable
from movistream.system.leftovers import temporary_folder
from movistream.watch.lane import Item, Lane, Opener

_GIVEN_UP = (
    "its process has died {} times at this video, which is not tried again: it crashes what decodes"
    " it, gives no picture for too long, or needs more memory than there is"
)


class StoppedError(Exception):
    """Nobody wants a shard any more that is being watched."""


@dataclass(frozen=True)
class Work:
    """What all workers of a run are told; it can be sent to other processes.

    Attributes:
        models: paths of the model files.
        request: how they are run and sources are watched; a worker that sees no frame for as long
            as it says ends itself.
        run: see :class:`.Run`.
        place: path or address of the folder that shards are written to.
        logits: whether the tables have the logits of each step.
        call: see :class:`.Ledger`.
        files: what is in the models' files and in that of the labels, by their paths; for workers
            that cannot read those.
    """

    models: tuple[Path, ...]
    request: Request
    run: Run
    place: str
    logits: bool
    call: str
    files: Mapping[Path, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Ready:
    """A worker that has loaded its models."""

    work: Work
    model: Streamable
    store: Store
    ledger: Ledger


def packed(work: Work) -> Work:
    """The work, with its files in it.

    Raises:
        ModelError: if a file cannot be read.
    """
    paths = [*work.models, *filter(None, [work.request.labels])]
    try:
        return replace(work, files={path: path.read_bytes() for path in paths})
    except OSError as error:
        raise ModelError(f"cannot read {error.filename}: {error.strerror}") from None


@contextmanager
def _unpacked(work: Work) -> Iterator[Work]:
    """The work, its files on this machine."""
    if not work.files:
        yield work
        return
    with temporary_folder() as folder:
        here = {path: folder / str(n) / path.name for n, path in enumerate(work.files)}
        for path, content in work.files.items():
            here[path].parent.mkdir()
            here[path].write_bytes(content)
        labels = work.request.labels
        yield replace(
            work,
            models=tuple(here[path] for path in work.models),
            request=replace(work.request, labels=None if labels is None else here[labels]),
        )


@contextmanager
def ready(work: Work) -> Iterator[Ready]:
    """Loads the models.

    Raises:
        MovistreamError: if one cannot be loaded, or who has made the work has another version.
    """
    if work.run.made_of["movistream"] != __version__:
        raise MovistreamError(
            f"a worker on {socket.gethostname()} has version {__version__} of movistream, and this"
            f" run is of {work.run.made_of['movistream']}: install the same one everywhere"
        )
    with ExitStack() as stack:
        here = stack.enter_context(_unpacked(work))
        _, model = load_models(here.models, here.request, stack)
        store = store_at(work.place, PATIENCE_S)
        yield Ready(work, model, store, Ledger(store, work.run, work.call))


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
        goes_on: is asked before each frame and while a copy comes; the shard is dropped when it
            says no.
        on_video: is called after each video.

    Returns:
        What came of each video, in their order.

    Raises:
        StoppedError: if it does not go on.
        OutputError: if the file or the ledger cannot be written, a store does not answer, or the
            folder is another call's by now.
    """
    work, ledger = worker.work, worker.ledger
    classes = worker.model.classes if work.logits else None

    def check() -> None:
        if not goes_on():
            raise StoppedError

    check_claim(worker.store, work.call)
    deaths = ledger.deaths(shard.videos)
    begun = [video for video in shard.videos if not deaths[video].are_too_many]
    with (
        worker.store.replaced(file_name(shard)) as part,
        table_file(part, classes) as file,
        closing(openers_of(begun, check)) as openers,
    ):
        recorder = Recorder(file, work.run, logits=work.logits)
        for video in shard.videos:
            before = deaths[video]
            if before.are_too_many:
                reason = _GIVEN_UP.format(before.in_all)
                recorder.give_up(video.name, video.fingerprint, before.in_all, reason)
            else:
                opener = next(openers)
                with (
                    ledger.attempt(video, before),
                    _deadline(work.request.give_up_after) as put_off,
                ):
                    recorder.begin(video.name, video.fingerprint, before.in_all + 1)
                    for item in _happening(worker, video, opener, check):
                        recorder.take(item)
                        put_off()
            on_video(recorder.outcomes[-1])
        file.finish(recorder.footer())
        check_claim(worker.store, work.call)
    ledger.forget(video for video in shard.videos if deaths[video].in_all)
    return tuple(recorder.outcomes)


def _happening(
    worker: Ready, video: Video, opener: Opener, check: Callable[[], None]
) -> Iterator[Item]:
    """What happens in a video, to its end or to the error that ends it."""
    request, model = worker.work.request, worker.model
    lane = Lane(video.name, opener, model, watch_options(request), source_options(request, model))
    error: Exception | None = None
    try:
        while not lane.ended:
            check()
            items: list[Item] = []
            try:
                for item in lane.look():
                    items.append(item)  # noqa: PERF402 - those before an error count
            except Exception as caught:
                if _is_of_the_worker(caught):
                    raise
                error, lane.ended = caught, True
            yield from items
        yield from lane.end(error)
    finally:
        lane.close()


def _is_of_the_worker(error: Exception) -> bool:
    """Whether every video would end so, as with an engine that fails or a package that lacks."""
    return isinstance(error, MovistreamError) and not isinstance(error, (VideoError, FrameError))


@contextmanager
def _deadline(patience_s: float) -> Iterator[Callable[[], None]]:
    """Ends this process, if the block takes longer than it is said to each time it is put off.

    Nothing less ends a decoder or an engine that hangs: their threads obey nobody.
    """
    since_s = -math.inf

    def put_off() -> None:
        nonlocal since_s
        # It makes a thread each time.
        if (now_s := time.monotonic()) - since_s > patience_s / 10:
            since_s = now_s
            faulthandler.dump_traceback_later(patience_s, exit=True, file=nowhere)

    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        put_off()
        try:
            yield put_off
        finally:
            faulthandler.cancel_dump_traceback_later()
