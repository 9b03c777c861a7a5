"""One stream being watched: frames in; results, scores, events and notices out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from movistream.errors import MovistreamError
from movistream.sources.frame import VideoFrame
from movistream.stream.ensemble import Streamable
from movistream.stream.model import Snapshot
from movistream.stream.preprocess import View
from movistream.stream.result import Prediction, Result, answer_dictionary, moment
from movistream.watch.events import Event, EventDetector, EventOptions, rules_of, utc_text
from movistream.watch.overall import Overall
from movistream.watch.resets import Reason, ResetOptions, ResetPolicy
from movistream.watch.scores import ScoreOptions, Scorer, scorer_of
from movistream.watch.vocabulary import line


@dataclass(frozen=True)
class WatchOptions:
    """How a source is watched.

    Attributes:
        scores: how logits become scores.
        events: when something counts as seen; None to look for no events.
        resets: when a stream forgets all.
        frames_per_second: that the network sees; by default as it was trained.
        every: take one frame in so many instead.
        start_s: leave out what is before this time of the source, in seconds.
        end_s: end at this time of the source; None for its own end.
        horizon_s: let answers follow about the last so many seconds; None for as the file says.
        views: what is looked at, each a stream of its own.
        top: so many best classes are named.
        all_frames: give the frames of recordings that are not looked at too.
    """

    scores: ScoreOptions = field(default_factory=ScoreOptions)
    events: EventOptions | None = None
    resets: ResetOptions = field(default_factory=ResetOptions)
    frames_per_second: float | None = None
    every: int | None = None
    start_s: float = 0.0
    end_s: float | None = None
    horizon_s: float | None = None
    views: tuple[View, ...] = (View(),)
    top: int = 5
    all_frames: bool = False

    def __post_init__(self) -> None:
        numbers = {"start_s": self.start_s, "every": self.every, "top": self.top}
        above_zero = {
            "frames_per_second": self.frames_per_second,
            "end_s": self.end_s,
            "horizon_s": self.horizon_s,
        }
        for name, value in {**numbers, **above_zero}.items():
            if value is not None and not isinstance(value, (int, float)):
                raise MovistreamError(f"{name} must be a number, not {value!r}")
        for name, value in above_zero.items():
            if value is not None and not (math.isfinite(value) and value > 0):
                raise MovistreamError(f"{name} is a number above 0, not {value!r}")
        if not (math.isfinite(self.start_s) and self.start_s >= 0):
            raise MovistreamError(f"start_s is 0 or more, not {self.start_s!r}")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise MovistreamError("end_s is after start_s")
        if self.every is not None and self.every < 1:
            raise MovistreamError(f"every is 1 or more, not {self.every!r}")
        if self.top < 1 or not self.views:
            raise MovistreamError("at least one class and one view are needed")


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """What was said to one frame of a stream.

    Attributes:
        stream: its name.
        frame: that was looked at.
        result: of the network; its frame and time are those of the source. Of a model with a
            delay, it is about a frame that was looked at earlier.
        scores: what :class:`.scores.Scorer` makes of it, float32 (classes,).
        top: the reported classes of the highest scores, best first.
        latency_ms: from capture to here; None for recordings.
        skipped: frames of a live source that were wanted but never looked at, so far.
        going_on: events that have begun and not ended; none if no events are looked for.
        at: when the frame that the scores are about was captured, in UTC; None for recordings.
    """

    stream: str
    frame: VideoFrame
    result: Result
    scores: npt.NDArray[np.float32]
    top: tuple[Prediction, ...]
    latency_ms: float | None
    skipped: int
    going_on: tuple[Event, ...]
    at: datetime | None = None

    @property
    def time_s(self) -> float:
        """Of the frame that the scores are about, in seconds since the source's start."""
        return self.frame.time_s if self.result.time_s is None else self.result.time_s

    @property
    def label(self) -> str:
        """The label of the reported class with the highest score."""
        return self.top[0].label

    @property
    def score(self) -> float:
        """The highest score of a reported class, in [0, 1]."""
        return self.top[0].score

    def to_dict(self) -> dict[str, Any]:
        """The step as plain JSON types, as ``movistream run --json`` prints it."""
        found = line("step", self.stream)
        found.update(answer_dictionary(self.result, self.top, self.time_s))
        if self.latency_ms is not None:
            found.update(latency_ms=round(self.latency_ms, 3), skipped=self.skipped)
        if self.at is not None:
            found["at"] = utc_text(self.at)
        found["going_on"] = [event.to_dict() for event in self.going_on]
        return found

    def __repr__(self) -> str:
        said = "warming up" if self.result.warming_up else f"{self.label} {self.score:.3f}"
        return f"<Step of {self.stream}, {moment(self.result.frame, self.time_s)}: {said}>"


@dataclass(frozen=True, eq=False)
class Passed:
    """A recording has a frame, whether it is looked at or not; it comes before that.

    Attributes:
        source: the name of its first stream.
        frame: what there is to see.
    """

    source: str
    frame: VideoFrame


@dataclass(frozen=True)
class Seen:
    """An event of a stream has begun, or has ended, as its ``phase`` says.

    Attributes:
        stream: its name.
        event: what it is, or was.
    """

    stream: str
    event: Event

    def to_dict(self) -> dict[str, Any]:
        """The event as plain JSON types, as ``movistream run --json`` prints it."""
        return {**line("event", self.stream), **self.event.to_dict()}


@dataclass(frozen=True)
class Notice:
    """Something else happened to a stream.

    Attributes:
        stream: its name.
        time_s: of the next frame, in seconds since the source's start.
        kind: ``reset``: the stream has forgotten all. ``interruption``: the source was lost and
            came back, and the stream has kept its state.
        reason: for people.
    """

    stream: str
    time_s: float
    kind: Literal["reset", "interruption"]
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The notice as plain JSON types, as ``movistream run --json`` prints it."""
        told = {"kind": self.kind, "time_s": round(self.time_s, 4), "reason": self.reason}
        return {**line("notice", self.stream), **told}


class Watcher:
    """One stream over a model or an ensemble; frames of one source, in order."""

    def __init__(
        self,
        name: str,
        model: Streamable,
        options: WatchOptions,
        view: View | None = None,
        horizon_frames: int | None = None,
        resume: Snapshot | None = None,
    ) -> None:
        """Opens a stream.

        Args:
            name: what its steps, events and notices are called.
            options: of these, what concerns scores, events and resets.
            view: which part of each frame is looked at.
            horizon_frames: see :meth:`.model.Model.stream`.
            resume: where to go on; by default at the start of a video.

        Raises:
            LabelsError: if an option names a label that the model does not have.
            SnapshotError: if the snapshot is of another model.
        """
        self.name = name
        self._model = model
        self._options = options
        self._scorer, self._events = self._judges(options)
        self._policy = ResetPolicy(options.resets)
        self._overall = Overall(
            model.classes, horizon_frames or model.horizon_frames, model.activation
        )
        self._last_s: float | None = None
        self._reset_asked = False
        self._asked: Callable[[], None] | None = None
        self._stream = model.stream(horizon_frames=horizon_frames, view=view)
        if resume is not None:
            self._stream.restore(resume)

    def look(self, frame: VideoFrame, skipped: int = 0) -> tuple[Step | Seen | Notice, ...]:
        """Takes the next frame; what happened before it comes first, what becomes of events last.

        Args:
            skipped: see :class:`Step`.

        Raises:
            FrameError, EngineError: see :meth:`.model.Stream.step`.
        """
        happened: list[Step | Seen | Notice] = []
        if self._asked is not None:
            asked, self._asked = self._asked, None
            happened += self.finish()
            asked()
        reason = self._policy.reason(frame)
        if self._reset_asked:
            self._reset_asked, reason = False, reason or "asked for"
        if reason is not None:
            if self._events is not None and reason in ("gap", "scene cut"):
                # What was seen belongs to what was before; after a gap, nobody saw it end, and
                # nobody will whose answers come late.
                unseen = reason == "gap" or self._model.delay_frames > 0
                ended = (
                    self._events.finish()
                    if unseen
                    else self._events.finish(frame.time_s, _captured_at(frame, frame.time_s))
                )
                happened += [Seen(self.name, event) for event in ended]
            self._stream.reset()
            self._scorer.reset()
            self._overall.forget()
        if reason is not None or frame.interruption is not None:
            happened.append(self._notice(frame, reason))
        result = self._stream.step(frame.shown, frame=frame.index, time_s=frame.time_s)
        scores = self._scorer.update(result)
        top = self._scorer.top(scores, self._options.top)
        step = Step(self.name, frame, result, scores, top, None, skipped, ())
        step = replace(step, at=_captured_at(frame, step.time_s))
        changes: tuple[Event, ...] = ()
        if self._events is not None:
            if not result.warming_up:
                changes = self._events.update(step.time_s, scores, step.at)
            step = replace(step, going_on=self._events.going_on)
        if not result.warming_up:
            self._overall.add(scores)
        if frame.captured_s is not None:
            step = replace(step, latency_ms=(time.monotonic() - frame.captured_s) * 1e3)
        happened += [step, *(Seen(self.name, event) for event in changes)]
        self._last_s = frame.time_s
        return tuple(happened)

    def finish(self) -> tuple[Seen, ...]:
        """Ends the events that are going on."""
        if self._events is None:
            return ()
        return tuple(Seen(self.name, event) for event in self._events.finish())

    def answer(self) -> tuple[Prediction, ...]:
        """The reported classes of the highest scores for all that was seen; none before that."""
        scores = self._overall.scores()
        return () if scores is None else self._scorer.top(scores, self._options.top)

    @property
    def answers_with_mean(self) -> bool:
        """Whether the answer is the mean over all frames, since the network has forgotten some."""
        return self._overall.is_mean

    def ask_for_reset(self) -> None:
        """Lets the stream forget all before its next frame; from any thread."""
        self._reset_asked = True

    def ask_for_options(self, options: WatchOptions, horizon_frames: int | None) -> None:
        """From the next frame on, scores, events and horizon as told; from any thread.

        Events that are going on then end there.

        Raises:
            LabelsError: if an option names a label that the model does not have.
        """
        scorer, events = self._judges(options)

        def change() -> None:
            self._options, self._scorer, self._events = options, scorer, events
            self._stream.set_horizon(horizon_frames)
            self._overall.horizon_frames = horizon_frames or self._model.horizon_frames

        self._asked = change

    def last_snapshot(self) -> Snapshot | None:
        """A copy of the stream's memory; None if its model is closed."""
        try:
            return self._stream.snapshot()
        except MovistreamError:
            return None

    def close(self) -> None:
        """Frees the stream."""
        self._stream.close()

    def _judges(self, options: WatchOptions) -> tuple[Scorer, EventDetector | None]:
        model = self._model
        scorer = scorer_of(options.scores, model)
        if options.events is None:
            return scorer, None
        rules = rules_of(options.events, model.classes, model.event_defaults)
        return scorer, EventDetector(rules, model.labels, scorer.reported)

    def _notice(self, frame: VideoFrame, reason: Reason | None) -> Notice:
        said = [] if frame.interruption is None else [frame.interruption]
        if reason is None:
            return Notice(self.name, frame.time_s, "interruption", f"{said[0]}; state kept")
        if reason == "gap" and self._last_s is not None:
            said.append(f"no frame for {frame.time_s - self._last_s:.1f} s")
        elif reason != "gap":
            said.append(reason)
        return Notice(self.name, frame.time_s, "reset", f"{'; '.join(said)}; state reset")


def _captured_at(frame: VideoFrame, time_s: float) -> datetime | None:
    """When a moment of a live source was captured, by a frame whose time is known; in UTC."""
    if frame.captured_s is None:
        return None
    ago_s = time.monotonic() - frame.captured_s + frame.time_s - time_s
    return datetime.now(timezone.utc) - timedelta(seconds=ago_s)
