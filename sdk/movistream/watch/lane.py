"""One source on its way through a model: opened, looked at frame by frame, and ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from movistream.errors import VideoError
from movistream.sources import (
    Source,
    SourceOptions,
    VideoFrame,
    is_recorded,
    open_source,
    public_name,
)
from movistream.sources.capture import Capture
from movistream.sources.frame import logger
from movistream.sources.picking import LiveTicks, at_rate, from_time, is_at, one_in
from movistream.stream.ensemble import Streamable
from movistream.stream.model import Snapshot
from movistream.stream.result import Prediction
from movistream.watch.vocabulary import line
from movistream.watch.watcher import Notice, Passed, Seen, Step, Watcher, WatchOptions

_RATE_TOLERANCE = 1.05


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
            "frames_per_second": rounded(self.frames_per_second),
            "seconds": rounded(self.seconds),
        }
        return {**line("start", self.stream), **told}


@dataclass(frozen=True, eq=False, repr=False)
class Ended:
    """A stream has ended; nothing follows for it.

    Attributes:
        stream: its name.
        steps: frames that were looked at.
        skipped: frames of a live source that were wanted but never looked at.
        complete: it has come to the source's end, or to where it was to end.
        error: why it ended early; None at its end, or when it was stopped.
        snapshot: of its memory; None if it never began.
        top: what the network says to all that was looked at: the reported classes of the highest
            scores, best first; see :func:`movistream.classify`. Empty if there was nothing to say.
        is_mean: ``top`` is of the mean scores over all frames, as the network has forgotten some.
    """

    stream: str
    steps: int
    skipped: int
    complete: bool
    error: Exception | None
    snapshot: Snapshot | None
    top: tuple[Prediction, ...] = ()
    is_mean: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The end, or the error that ended it, as plain JSON types; without the snapshot."""
        answer = [prediction.to_dict() for prediction in self.top]
        told: dict[str, Any] = {"steps": self.steps, "top": answer, "is_mean": self.is_mean}
        if self.error is not None:
            told = {**told, "reason": str(self.error)}
            return {**line("error", self.stream), **told}
        return {**line("end", self.stream), **told, "complete": self.complete}

    def __repr__(self) -> str:
        said = f"{self.top[0].label} {self.top[0].score:.3f}, " if self.top else ""
        why = f", {self.error!r}" if self.error is not None else ""
        return f"<End of {self.stream}: {said}{self.steps} steps{why}>"


Item = Started | Passed | Step | Seen | Notice | Ended
Opener = Callable[[SourceOptions], Source]
"""Opens a recording; may raise what a source raises."""


class Lane:
    """A source and the streams over it; it belongs to one thread at a time.

    Attributes:
        name: of its first stream.
        source: None before it is opened, and after the end.
        recorded: whether it is known to be a recording, before it is opened.
        options: of the streams; those that have not begun take what is there then.
        watchers: one for each view; none before it has begun.
        on_change: is called, from any thread, when a live source has a frame or an end.
        decoded_at_once: the sources, with this one, that share the model's threads to be decoded.
        stopping: it is to end before its next frame.
        ended: nothing more is to be looked at.
    """

    def __init__(
        self,
        name: str,
        given: str | Path | Source | Opener,
        model: Streamable,
        options: WatchOptions,
        source_options: SourceOptions | None = None,
        resume: Mapping[str, Snapshot] | None = None,
    ) -> None:
        """Takes note; opens nothing yet.

        Args:
            given: name of the source, or an open one, which is closed at the end, or what opens it.
            resume: snapshots by stream, where those go on.
        """
        self.name = name
        self.options = options
        if isinstance(given, (str, Path)):
            self.recorded = is_recorded(given)
        else:
            self.recorded = not (isinstance(given, Source) and given.live)
        self.source: Source | None = None
        self.capture: Capture | None = None
        self.watchers: list[Watcher] = []
        self.on_change: Callable[[], None] = lambda: None
        self.stopping = self.ended = False
        self._given = given
        self._model = model
        self._source_options = source_options
        self._resume = resume or {}
        self.decoded_at_once = 1
        self._looked_at: float | None = None
        self._changing = threading.Lock()
        self._steps = 0
        self._stopped = False
        self._frames: Iterator[tuple[VideoFrame, bool]] = iter(())

    def open(self) -> None:
        """Opens the source, which may take long.

        Raises:
            MovistreamError: if it cannot be opened.
        """
        given = self._given
        if isinstance(given, (str, Path)):
            self.source = open_source(given, self._opening())
        elif isinstance(given, Source):
            self.source = given
        else:
            self.source = given(self._opening())

    def _opening(self) -> SourceOptions:
        """How the source is opened: what is seen of its frames, and by whom, is known here."""
        options = self._source_options or SourceOptions()
        in_full = self.options.all_frames or any(view.region for view in self.options.views)
        seen_size = None if in_full else self._model.image_size
        threads = options.decode.threads or max(1, self._model.threads // self.decoded_at_once)
        decode = replace(options.decode, seen_size=seen_size, threads=threads)
        return replace(options, decode=decode)

    def stream_names(self) -> list[str]:
        """What its streams are called, one for each view."""
        return [self.name, *(f"{self.name}#{n + 2}" for n in range(len(self.options.views) - 1))]

    def look(self, timeout_s: float = 0.0) -> Iterator[Item]:
        """Takes a frame and gives what happens; at the source's end, ``ended`` is set.

        Args:
            timeout_s: how long to wait for a frame of a live source.

        Raises:
            MovistreamError: if the source or the model fails; so may anything a source raises.
        """
        if self.stopping:
            self._stopped = self.ended = True
            return
        if self.source is None:
            self.open()
        assert self.source is not None
        if not self.watchers:
            yield from self._start(self.source)
        frame, wanted = self._next_frame(timeout_s)
        if frame is None:
            self.ended = self.capture is None or self.capture.ended
            self._stopped = self.stopping
        elif self.options.end_s is not None and is_at(frame, self.options.end_s):
            self.ended = True
        else:
            if self.options.all_frames and self.capture is None:
                yield Passed(self.name, frame)
            if wanted:
                skipped = 0 if self.capture is None else self.capture.skipped
                for watcher in self.watchers:
                    yield from watcher.look(frame, skipped)
                self._steps += 1

    def end(self, error: Exception | None) -> Iterator[Item]:
        """Ends the streams and gives their last items; then lets go of all.

        Args:
            error: why it ends early; None if it does not.
        """
        self.ended = True
        skipped = 0 if self.capture is None else self.capture.skipped
        complete = error is None and not self._stopped
        for watcher in self.watchers:
            yield from watcher.finish()
            snapshot = watcher.last_snapshot()
            top = watcher.answer()
            yield Ended(
                watcher.name,
                self._steps,
                skipped,
                complete,
                error,
                snapshot,
                top,
                watcher.answers_with_mean,
            )
        if not self.watchers:
            yield Ended(self.name, 0, 0, complete, error, None)
        try:
            self.close()
        except Exception:
            logger.exception("%s cannot be closed", self.name)

    def interrupt(self) -> None:
        """From any thread: ends it after the frame that it is at."""
        self.stopping = True
        source = self.source
        if source is not None:
            source.interrupt()

    def reconfigure(self, options: WatchOptions) -> None:
        """From the next frame on, takes these scores, events and horizon.

        Raises:
            LabelsError: if an option names a label that the model does not have.
            VideoError: if a horizon in seconds needs a frame rate that nobody says.
        """
        with self._changing:
            for watcher in self.watchers:
                watcher.ask_for_options(options, self._horizon_frames(options))
            self.options = options

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

    def _start(self, source: Source) -> Iterator[Item]:
        options, own_rate = self.options, source.frames_per_second
        rate = options.frames_per_second or self._model.frames_per_second
        if options.every is not None:
            rate = None
        if rate is not None and is_slower(own_rate, rate):
            logger.warning(
                "%s has %.3g frames per second, fewer than the %.3g that are wanted: every frame is"
                " taken",
                self.name,
                own_rate,
                rate,
            )
        self._looked_at = rate
        if own_rate is not None:
            self._looked_at = (
                own_rate / (options.every or 1) if rate is None else min(rate, own_rate)
            )
        names = self.stream_names()
        with self._changing:
            # Others that are asked for from here on find watchers to ask.
            options = self.options
            horizon_frames = self._horizon_frames(options)
            for name, view in zip(names, options.views, strict=True):
                resume = self._resume.get(name)
                self.watchers.append(
                    Watcher(name, self._model, options, view, horizon_frames, resume)
                )
        for name in names:
            yield Started(name, source.live, self._looked_at, source.seconds)
        self._begin(rate, options)

    def _begin(self, rate: float | None, options: WatchOptions) -> None:
        """Starts to read, by the rate or one frame in so many."""
        assert self.source is not None
        if self.source.live:
            ticks = None if rate is None else LiveTicks(rate)
            every, start_s = options.every or 1, options.start_s

            def wants(frame: VideoFrame) -> bool:
                if not is_at(frame, start_s):
                    return False
                return frame.index % every == 0 if ticks is None else ticks.wants(frame.time_s)

            self.capture = Capture(self.source, wants, self.on_change)
            return
        picking = one_in(options.every or 1) if rate is None else at_rate(rate)
        picking = from_time(picking, options.start_s)
        if options.all_frames:
            self._frames = (
                (frame, wanted)
                for frame, wanted in picking(self.source)
                if is_at(frame, options.start_s)
            )
        else:
            self._frames = ((frame, True) for frame in self.source.picked(picking))

    def _next_frame(self, timeout_s: float) -> tuple[VideoFrame | None, bool]:
        """A frame, and whether to look at it; None at the end of a recording, or for now."""
        if self.capture is not None:
            return self.capture.take(timeout_s), True
        return next(self._frames, (None, False))

    def _horizon_frames(self, options: WatchOptions) -> int | None:
        if options.horizon_s is None:
            return None
        if self._looked_at is None:
            raise VideoError(
                f"a horizon in seconds needs a frame rate, and neither {self.name} nor the model"
                " says one; give the frames per second"
            )
        return max(1, round(options.horizon_s * self._looked_at))


def is_slower(own_rate: float | None, rate: float) -> bool:
    """Whether a source says that it has fewer frames per second than are wanted."""
    return own_rate is not None and rate > own_rate * _RATE_TOLERANCE


def rounded(value: float | None) -> float | None:
    """A time or a rate as it is told, to 4 digits."""
    return None if value is None else round(value, 4)


def source_name(source: str | Path | Source) -> str:
    """What people call a source, without what its address keeps secret."""
    return public_name(source) if isinstance(source, (str, Path)) else source.name
