"""Several sources watched at once by a few threads over one set of weights."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType

from movistream.errors import MovistreamError, VideoError
from movistream.sources import Source, SourceOptions
from movistream.sources.address import numbered
from movistream.stream.ensemble import Streamable
from movistream.stream.model import Snapshot
from movistream.watch.lane import Item, Lane, source_name
from movistream.watch.watcher import WatchOptions

_RESULTS_PER_WORKER = 4
_POLL_S = 0.1
_JOIN_S = 5.0


class StreamPool:
    """Watches sources with a model or an ensemble; iterating gives what happens, by stream.

    A few worker threads take turns: each takes one frame of one source, then goes to the next that
    has one, so that no source waits for another to end. Of recordings, as many are open at once as
    there are workers; live sources are all open, each with a thread that captures. Memory is
    bounded: workers wait when results are not taken, live sources skip frames meanwhile. A source
    that fails ends alone. It is a context manager.
    """

    def __init__(
        self,
        model: Streamable,
        sources: Sequence[str | Path | Source],
        options: WatchOptions | None = None,
        *,
        workers: int = 1,
        source_options: SourceOptions | None = None,
        resume: Mapping[str, Snapshot] | None = None,
    ) -> None:
        """Starts to watch.

        Args:
            model: shared by all streams; stays open.
            sources: names as in :func:`.sources.open_source`, or open sources, which are closed at
                their end. A stream is called as its source is; the second view of a source has
                ``#2`` behind the name, and so on.
            options: of every stream.
            workers: threads.
            source_options: for opening the sources.
            resume: snapshots by stream, where those go on.

        Raises:
            MovistreamError: if there is no source, workers is no number of threads, or a snapshot
                is of no stream.
        """
        if isinstance(sources, (str, Path)) or not sources:
            raise MovistreamError("a list of sources is needed, with one or more")
        if not isinstance(workers, int) or workers < 1:
            raise MovistreamError(f"workers is a number of threads from 1 on, not {workers!r}")
        options = options or WatchOptions()
        resume = dict(resume or {})
        self._lanes = [
            _PooledLane(name, source, model, options, source_options, resume)
            for name, source in zip(stream_names(sources), sources, strict=True)
        ]
        streams = {name for lane in self._lanes for name in lane.stream_names()}
        if unknown := resume.keys() - streams:
            raise MovistreamError(f"there is no stream {min(unknown)!r} to resume")
        self._results: queue.Queue[Item | None] = queue.Queue(workers * _RESULTS_PER_WORKER)
        self._ready: queue.SimpleQueue[_PooledLane | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        for lane in self._lanes:
            lane.on_change = partial(self._wake, lane)
        self._running = len(self._lanes)
        recorded = [lane for lane in self._lanes if lane.recorded]
        for lane in self._lanes:
            lane.decoded_at_once = len(self._lanes) - max(0, len(recorded) - workers)
        self._waiting = deque(recorded[workers:])
        self._workers = [
            threading.Thread(target=self._work, name=f"worker {n}", daemon=True)
            for n in range(workers)
        ]
        for lane in recorded[:workers]:
            self._wake(lane)
        for lane in self._lanes:
            if lane not in recorded:
                # Connecting may take long, and must not keep a worker.
                threading.Thread(
                    target=self._open_and_wake, args=(lane,), name=f"open {lane.name}", daemon=True
                ).start()
        for worker in self._workers:
            worker.start()

    def __iter__(self) -> Iterator[Item]:
        """What happens, until all streams have ended; in order for each stream, and once."""
        while (item := self._results.get()) is not None:
            yield item
        # Whoever else iterates, or does it again, finds the end too.
        self._results.put(None)

    def reset(self, stream: str | None = None) -> None:
        """Lets a stream, or all of them, forget everything before their next frames."""
        for lane in self._lanes:
            for watcher in lane.watchers:
                if stream in (None, watcher.name):
                    watcher.ask_for_reset()

    def reconfigure(self, options: WatchOptions) -> None:
        """From their next frames on, all streams have these scores, events and horizon.

        Raises:
            LabelsError: if an option names a label that the model does not have.
            VideoError: if a horizon in seconds needs a frame rate that nobody says.
        """
        for lane in self._lanes:
            lane.reconfigure(options)

    def stop(self) -> None:
        """Ends all streams after the frames that they are at; their last items still come."""
        for lane in self._lanes:
            lane.interrupt()
        for lane in self._lanes:
            self._wake(lane)

    def close(self) -> None:
        """Ends everything at once; what was not taken is lost."""
        self._closed = True
        self.stop()
        for worker in self._workers:
            if worker is not threading.current_thread():
                # One that waits for a driver cannot be woken.
                worker.join(_JOIN_S)
        with suppress(queue.Empty):
            while True:
                self._results.get_nowait()
        self._results.put(None)

    def __enter__(self) -> StreamPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _work(self) -> None:
        while (lane := self._ready.get()) is not None:
            lane.woken = False
            for item in self._serve(lane):
                self._give(item)
            self._put_back(lane)

    def _serve(self, lane: _PooledLane) -> list[Item]:
        """Takes one frame of a source."""
        items: list[Item] = []
        error: Exception | None = None
        try:
            if lane.error is not None and not lane.stopping:
                raise lane.error
            for item in lane.look():
                items.append(item)  # noqa: PERF402 - those before an error count
        except Exception as caught:
            error, lane.ended = caught, True
        except BaseException as caught:
            # A source must not end its worker either.
            error, lane.ended = VideoError(f"{lane.name} ends with {caught!r}"), True
        return [*items, *lane.end(error)] if lane.ended else items

    def _put_back(self, lane: _PooledLane) -> None:
        """A recording waits for its next turn, a live source for its next frame."""
        with self._lock:
            if not lane.ended:
                lane.queued = lane.capture is None or lane.woken or lane.capture.has_news
                if lane.queued:
                    self._ready.put(lane)
                return
            self._running -= 1
            over = not self._running
            if lane.recorded and self._waiting:
                following = self._waiting.popleft()
                following.queued = True
                self._ready.put(following)
        if over:
            for _ in self._workers:
                self._ready.put(None)
            self._give(None)

    def _wake(self, lane: _PooledLane) -> None:
        with self._lock:
            lane.woken = True
            if not lane.queued and not lane.ended:
                lane.queued = True
                if lane in self._waiting:
                    self._waiting.remove(lane)
                self._ready.put(lane)

    def _open_and_wake(self, lane: _PooledLane) -> None:
        try:
            lane.open()
        except Exception as error:
            lane.error = error
        with self._lock:
            too_late = lane.ended
        if too_late and lane.source is not None:
            lane.source.close()
        self._wake(lane)

    def _give(self, item: Item | None) -> None:
        while not self._closed:
            try:
                self._results.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return


class _PooledLane(Lane):
    """A lane on its way through the pool; one worker at a time has it."""

    error: Exception | None = None
    queued = woken = False


def stream_names(sources: Sequence[str | Path | Source]) -> list[str]:
    """What the streams of sources are called: by their public names, numbered where they repeat."""
    return numbered(map(source_name, sources))
