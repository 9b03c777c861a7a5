"""What a clip shows: one answer, what was said on the way, and events."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movistream.errors import MovistreamError, VideoError
from movistream.sources import Source, SourceOptions
from movistream.stream.ensemble import Streamable
from movistream.stream.result import Prediction, moment
from movistream.watch.events import Event
from movistream.watch.lane import source_name
from movistream.watch.model import load
from movistream.watch.watcher import Step, WatchOptions
from movistream.watch.watching import Watching


@dataclass(frozen=True, repr=False)
class TimelineEntry:
    """What was said to one frame of a clip.

    Attributes:
        frame: index in the clip.
        time_s: of the frame, in seconds since the clip's start.
        top: the reported classes of the highest scores, best first.
    """

    frame: int
    time_s: float
    top: tuple[Prediction, ...]

    @property
    def label(self) -> str:
        """The label of the class with the highest score."""
        return self.top[0].label

    @property
    def score(self) -> float:
        """The highest score, in [0, 1]."""
        return self.top[0].score

    def to_dict(self) -> dict[str, Any]:
        """The entry as plain JSON types."""
        top = [prediction.to_dict() for prediction in self.top]
        return {"frame": self.frame, "time_s": round(self.time_s, 4), "top": top}

    def __repr__(self) -> str:
        return f"<{moment(self.frame, self.time_s)}: {self.label} {self.score:.3f}>"


@dataclass(frozen=True, repr=False)
class Answer:
    """What a network says to a whole clip.

    Attributes:
        source: the clip's name.
        top: the reported classes of the highest scores for the clip, best first.
        timeline: what was said on the way, an entry for each frame that was looked at; those while
            the network was warming up are left out.
        events: what was seen for a while, in the order of their ends.
        is_mean: the network has forgotten some of the clip, so ``top`` is of the mean scores over
            all frames, and not of what it says at the end.
    """

    source: str
    top: tuple[Prediction, ...]
    timeline: tuple[TimelineEntry, ...]
    events: tuple[Event, ...]
    is_mean: bool = False

    @property
    def label(self) -> str:
        """The label of the class with the highest score."""
        return self.top[0].label

    @property
    def score(self) -> float:
        """The highest score, in [0, 1]."""
        return self.top[0].score

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON types."""
        return {
            "source": self.source,
            "top": [prediction.to_dict() for prediction in self.top],
            "is_mean": self.is_mean,
            "timeline": [entry.to_dict() for entry in self.timeline],
            "events": [event.to_dict() for event in self.events],
        }

    def __repr__(self) -> str:
        frames, events = len(self.timeline), len(self.events)
        counts = f"{frames} frame{_plural(frames)}, {events} event{_plural(events)}"
        mean = " on average" if self.is_mean else ""
        return f"<Answer to {self.source}: {self.label} {self.score:.3f}{mean}, {counts}>"


def classify(
    source: str | Path | Source,
    model: Streamable | str | Path = "camera-motion",
    options: WatchOptions | None = None,
    *,
    source_options: SourceOptions | None = None,
) -> Answer:
    """Watches a clip to its end and says what it shows.

    The answer is what the network says after the last frame, for then it has seen the whole clip.
    A network that has forgotten some of it (by a horizon shorter than the clip, or a reset) has
    not: then the answer has the mean of the scores of all frames.

    Args:
        source: a name as in :func:`movistream.open_source`, or an open source, which is closed.
        model: a model, an ensemble, or the path or the name of a model file, which is loaded for
            this clip. By default the model that comes with this package, which says what the camera
            does.
        options: see :class:`WatchOptions`; of one view. By default events are looked for by the
            defaults of :class:`EventOptions`.
        source_options: for opening the source, see :meth:`.Model.watch`.

    Raises:
        VideoError: if the clip cannot be read to its end, has no end, or is too short to say
            anything about.
        MovistreamError: if the model cannot be loaded or run, or an option does not fit it.
    """
    options = options or WatchOptions()
    events: list[Event] = []
    timeline: list[TimelineEntry] = []

    def note(event: Event) -> None:
        if event.phase == "end":
            events.append(event)

    with ExitStack() as stack:
        if isinstance(model, (str, Path)):
            model = stack.enter_context(load(model))
        if not callable(getattr(model, "stream", None)):
            raise MovistreamError(
                "a model must be what movistream.load returns, an Ensemble, or the path of a model"
                f" file, not {type(model).__name__}"
            )
        watching = Watching(model, source, options, source_options, None, None, note)
        if len(options.views) != 1:
            raise MovistreamError(f"classify needs one view, not {len(options.views)}")
        for step in watching:
            _require_an_end(step, options)
            if not step.result.warming_up:
                timeline.append(TimelineEntry(step.result.frame, step.time_s, step.top))
        if watching.ended is None or not watching.ended.top:
            raise VideoError(_too_short(source_name(source), model.warm_up_frames))
        ended = watching.ended
    return Answer(source_name(source), ended.top, tuple(timeline), tuple(events), ended.is_mean)


def _plural(count: int) -> str:
    return "" if count == 1 else "s"


def _require_an_end(step: Step, options: WatchOptions) -> None:
    if step.frame.captured_s is not None and options.end_s is None:
        raise VideoError(
            f"{step.stream} is live and has no end to wait for; say WatchOptions(end_s=...), or"
            " loop over model.watch()"
        )


def _too_short(name: str, warm_up_frames: int) -> str:
    if warm_up_frames:
        return f"{name} is too short: the model must see more than {warm_up_frames} frames"
    return f"{name} has no frame between start and end"
