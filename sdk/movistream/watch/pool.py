"""Several sources watched at once by a few threads over one set of weights."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from movistream.errors import MovistreamError, VideoError
from movistream.sources import (
    Source,
    SourceOptions,
    VideoFrame,
    is_recorded,
    open_source,
    public_name,
)
from movistream.sources.address import numbered
from movistream.sources.capture import Capture
from movistream.sources.frame import logger
from movistream.sources.picking import LiveTicks, is_at, marked_at_rate, marked_every
from movistream.stream.ensemble import Streamable
from movistream.stream.model import Snapshot
from movistream.watch.watcher import Notice, Passed, Seen, Step, Watcher, WatchOptions

_RESULTS_PER_WORKER = 4
_RATE_TOLERANCE = 1.05
_POLL_S = 0.1
_JOIN_S = 5.0


@dataclass(frozen=True)
class Started:
    """A source has been opened.

    Attributes:
        stream: its name.
        live: see :class:`.sources.frame.Source`.
        frames_per_second: of what is looked at; None if unknown.
        seconds: how long it says it is; None if it does not, or is live.
    """

    stream: str
    live: bool
    frames_per_second: float | None
    seconds: float | None

    def to_dict(self) -> dict[str, Any]:
        """The beginning as plain JSON types."""
        told = {
            "live": self.live,
            "frames_per_second": self.frames_per_second,
            "seconds": self.seconds,
        }
        return {"source": self.stream, "start": told}


@dataclass(frozen=True, eq=False)
class Ended:
    """A stream has ended; nothing follows for it.

    Attributes:
        stream: its name.
        steps: frames that were looked at.
        skipped: frames of a live source that were wanted but never looked at.
        complete: it has come to the source's end, or to where it was to end.
        error: why it ended early; None at its end, or when it was stopped.
        snapshot: of its memory; None if it never began.
    """

    stream: str
    steps: int
    skipped: int
    complete: bool
    error: Exception | None
    snapshot: Snapshot | None

    def to_dict(self) -> dict[str, Any]:
        """The end, or the error that ended it, as plain JSON types; without the snapshot."""
        if self.error is not None:
            return {"source": self.stream, "error": self._told(reason=str(self.error))}
        return {"source": self.stream, "end": self._told(complete=self.complete)}

    def _told(self, **more: Any) -> dict[str, Any]:
        return {"steps": self.steps, **more}


Item = Started | Passed | Step | Seen | Notice | Ended


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
        self._model = model
        self._options = options or WatchOptions()
        self._source_options = source_options
        self._resume = dict(resume or {})
        names = stream_names(sources)
        streams = {own for name in names for own in self._stream_names(name)}
        if unknown := self._resume.keys() - streams:
            raise MovistreamError(f"there is no stream {min(unknown)!r} to resume")
        self._results: queue.Queue[Item | None] = queue.Queue(workers * _RESULTS_PER_WORKER)
        self._ready: queue.SimpleQueue[_Lane | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stopping = self._closed = False
        self._lanes = [_Lane(name, source) for name, source in zip(names, sources, strict=True)]
        self._running = len(self._lanes)
        recorded = [lane for lane in self._lanes if lane.recorded]
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
            for watcher in lane.watchers:
                watcher.ask_for_options(options, _horizon_frames(lane, options))
        # Those that have not begun take these from the start.
        self._options = options

    def stop(self) -> None:
        """Ends all streams after the frames that they are at; their last items still come."""
        with self._lock:
            self._stopping = True
        for lane in self._lanes:
            source = lane.source
            if source is not None:
                source.interrupt()
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

    def _serve(self, lane: _Lane) -> list[Item]:
        """Takes one frame of a source."""
        items: list[Item] = []
        error: Exception | None = None
        try:
            if self._stopping:
                lane.stopped = lane.ended = True
            else:
                for item in self._look(lane):
                    items.append(item)  # noqa: PERF402 - those before an error count
        except Exception as caught:
            error, lane.ended = caught, True
        except BaseException as caught:
            # A source must not end its worker either.
            error, lane.ended = VideoError(f"{lane.name} ends with {caught!r}"), True
        return [*items, *self._end(lane, error)] if lane.ended else items

    def _look(self, lane: _Lane) -> Iterator[Item]:
        if lane.error is not None:
            raise lane.error
        if lane.source is None:
            self._open(lane)
        assert lane.source is not None
        if not lane.watchers:
            yield from self._start(lane, lane.source)
        frame, wanted = lane.next_frame()
        if frame is None:
            lane.ended = lane.capture is None or lane.capture.ended
            lane.stopped = self._stopping
        elif self._options.end_s is not None and is_at(frame, self._options.end_s):
            lane.ended = True
        else:
            if self._options.all_frames and lane.capture is None:
                yield Passed(lane.name, frame)
            if wanted:
                skipped = 0 if lane.capture is None else lane.capture.skipped
                for watcher in lane.watchers:
                    yield from watcher.look(frame, skipped)
                lane.steps += 1

    def _open(self, lane: _Lane) -> None:
        given = lane.given
        if isinstance(given, (str, Path)):
            lane.source = open_source(given, self._source_options)
        else:
            lane.source = given

    def _start(self, lane: _Lane, source: Source) -> Iterator[Item]:
        options, own_rate = self._options, source.frames_per_second
        rate = options.frames_per_second or self._model.frames_per_second
        if options.every is not None:
            rate = None
        if rate is not None and own_rate is not None and rate > own_rate * _RATE_TOLERANCE:
            logger.warning(
                "%s has %.3g frames per second, fewer than the %.3g that are wanted: every frame is"
                " taken",
                lane.name,
                own_rate,
                rate,
            )
        lane.looked_at = rate
        if own_rate is not None:
            lane.looked_at = (
                own_rate / (options.every or 1) if rate is None else min(rate, own_rate)
            )
        horizon_frames = _horizon_frames(lane, options)
        names = self._stream_names(lane.name)
        for name, view in zip(names, options.views, strict=True):
            lane.watchers.append(
                Watcher(name, self._model, options, view, horizon_frames, self._resume.get(name))
            )
        for name in names:
            yield Started(name, source.live, lane.looked_at, source.seconds)
        lane.begin(rate, options, lambda: self._wake(lane))

    def _stream_names(self, name: str) -> list[str]:
        return [name, *(f"{name}#{n + 2}" for n in range(len(self._options.views) - 1))]

    def _end(self, lane: _Lane, error: Exception | None) -> Iterator[Item]:
        skipped = 0 if lane.capture is None else lane.capture.skipped
        complete = error is None and not lane.stopped
        for watcher in lane.watchers:
            yield from watcher.finish()
            snapshot = watcher.last_snapshot()
            yield Ended(watcher.name, lane.steps, skipped, complete, error, snapshot)
        if not lane.watchers:
            yield Ended(lane.name, 0, 0, complete, error, None)
        try:
            lane.close()
        except Exception:
            logger.exception("%s cannot be closed", lane.name)

    def _put_back(self, lane: _Lane) -> None:
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

    def _wake(self, lane: _Lane) -> None:
        with self._lock:
            lane.woken = True
            if not lane.queued and not lane.ended:
                lane.queued = True
                if lane in self._waiting:
                    self._waiting.remove(lane)
                self._ready.put(lane)

    def _open_and_wake(self, lane: _Lane) -> None:
        try:
            self._open(lane)
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


class _Lane:
    """A source on its way through the pool; one worker at a time has it."""

    def __init__(self, name: str, given: str | Path | Source) -> None:
        self.name = name
        self.given = given
        self.recorded = is_recorded(given) if isinstance(given, (str, Path)) else not given.live
        self.source: Source | None = None
        self.error: Exception | None = None
        self.capture: Capture | None = None
        self.watchers: list[Watcher] = []
        self.looked_at: float | None = None
        self.steps = 0
        self.queued = self.woken = self.stopped = self.ended = False
        self._frames: Iterator[tuple[VideoFrame, bool]] = iter(())

    def begin(
        self, rate: float | None, options: WatchOptions, on_change: Callable[[], None]
    ) -> None:
        """Starts to read, by the rate or one frame in so many."""
        assert self.source is not None
        if self.source.live:
            ticks = None if rate is None else LiveTicks(rate)
            every, start_s = options.every or 1, options.start_s

            def wants(frame: VideoFrame) -> bool:
                if not is_at(frame, start_s):
                    return False
                return frame.index % every == 0 if ticks is None else ticks.wants(frame.time_s)

            self.capture = Capture(self.source, wants, on_change)
            return
        marked = (
            marked_every(self.source, options.every or 1)
            if rate is None
            else marked_at_rate(self.source, rate)
        )
        self._frames = (
            (frame, wanted)
            for frame, wanted in marked
            if (wanted or options.all_frames) and is_at(frame, options.start_s)
        )

    def next_frame(self) -> tuple[VideoFrame | None, bool]:
        """A frame, and whether to look at it; None at the end of a recording, or for now."""
        if self.capture is not None:
            return self.capture.take(0), True
        return next(self._frames, (None, False))

    def close(self) -> None:
        """Frees all, so that a long list of sources takes no memory for those behind."""
        watchers, self.watchers = self.watchers, []
        for watcher in watchers:
            watcher.close()
        self._frames = iter(())
        source, self.source = self.source, None
        capture, self.capture = self.capture, None
        if capture is not None:
            capture.close()
        elif source is not None:
            source.close()


def _horizon_frames(lane: _Lane, options: WatchOptions) -> int | None:
    if options.horizon_s is None:
        return None
    if lane.looked_at is None:
        raise VideoError(
            f"a horizon in seconds needs a frame rate, and neither {lane.name} nor the model says"
            " one; give the frames per second"
        )
    return max(1, round(options.horizon_s * lane.looked_at))


def stream_names(sources: Sequence[str | Path | Source]) -> list[str]:
    """What the streams of sources are called: by their public names, numbered where they repeat."""
    return numbered(
        public_name(source) if isinstance(source, (str, Path)) else source.name
        for source in sources
    )
