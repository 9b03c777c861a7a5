"""What the server says and takes, as JSON; its OpenAPI document is made from these."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Score = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Label = Annotated[str, Meta(max_length=1000)]
Moment = Annotated[str, Meta(description="UTC, ISO 8601 with milliseconds.")]
Phase = Literal["begin", "end"]
FeedKind = Literal["source", "added", "upload", "browser"]
SourceKind = Literal["network", "this-machine", "cameras"]
FeedState = Literal["opening", "running", "paused", "lost", "ended", "failed"]


class ScoredLabel(msgspec.Struct, frozen=True):
    """A class with its score.

    Attributes:
        index: the class's place among all classes, from 0.
        label: the class's name.
        score: how sure the network is, 0 to 1.
    """

    index: int
    label: str
    score: float


class SeenEvent(msgspec.Struct, frozen=True):
    """Something that is seen for a while; see :class:`movistream.Event`.

    Attributes:
        phase: ``begin`` while it goes on, ``end`` when it is over.
        index: the class's place among all classes, from 0.
        label: the class's name.
        start_s: when it was seen first, in seconds since the source's start.
        end_s: when it was over, or was seen last so far.
        peak_score: its highest score, 0 to 1.
        started_at: when the frame of ``start_s`` was captured, or, of a recording, was played.
        ended_at: the same for ``end_s``.
    """

    phase: Phase
    index: int
    label: str
    start_s: float
    end_s: float
    peak_score: float
    started_at: Moment
    ended_at: Moment


class SavedEvents(msgspec.Struct, frozen=True):
    """What was seen in a feed, the last 10,000 events.

    Attributes:
        feed: the feed's id.
        name: the feed's name.
        events: the events in the order of their ends, also those from before a source began anew.
    """

    feed: str
    name: str
    events: tuple[SeenEvent, ...]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a feed is watched.

    Attributes:
        enter: an event begins at this score; null leaves it to the model.
        leave: it ends below this score; null leaves it to the model.
        smoothing_s: scores are averaged over about so many seconds; null leaves it to the model.
        horizon_s: answers follow about the last so many seconds; null leaves it to the model.
        allow: only these labels are reported; the empty list allows all.
    """

    enter: Annotated[float, Meta(gt=0, le=1)] | None = None
    leave: Score | None = None
    smoothing_s: Annotated[float, Meta(ge=0, le=3600)] | None = None
    horizon_s: Seconds | None = None
    allow: Annotated[tuple[Label, ...], Meta(max_length=1000)] = ()


class NewSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be watched as well.

    Attributes:
        source: an address, such as ``rtsp://user:password@camera/stream``; where the server allows
            it, a camera of its machine, such as ``0``.
    """

    source: Annotated[str, Meta(min_length=1, max_length=2000)]


class Latencies(msgspec.Struct, frozen=True):
    """How long steps took: counts by upper limits.

    Attributes:
        limits_ms: the upper limits of all bins but the last, which has none.
        counts: how many steps fell into each bin.
        median_ms: the median of the last steps.
    """

    limits_ms: tuple[float, ...]
    counts: tuple[int, ...]
    median_ms: float


class FeedDescription(msgspec.Struct, frozen=True):
    """A source, and how it goes.

    Attributes:
        id: what the feed is called in addresses.
        name: what people call it.
        kind: ``source`` was named when the server was started, ``added`` is a source that somebody
            has added, ``upload`` a file that somebody sent, ``browser`` the camera of a browser.
        state: ``lost`` is tried again.
        problem: why it is lost or has failed; empty otherwise.
        steps: how many frames were looked at.
        skipped: how many frames of a live source were wanted but never looked at.
        frames_per_second: how many frames are looked at in a second, lately.
        settings: how it is watched.
        latencies: how long preprocessing and inference took.
    """

    id: str
    name: str
    kind: FeedKind
    state: FeedState
    problem: str
    steps: int
    skipped: int
    frames_per_second: float
    settings: Settings
    latencies: Latencies


class ModelDescription(msgspec.Struct, frozen=True):
    """The model that all feeds share.

    Attributes:
        name: the model's name.
        labels: the names of its classes, in order.
        frames_per_second: how many frames a second it wants to see; null if it does not say.
    """

    name: str
    labels: tuple[str, ...]
    frames_per_second: float | None


class SystemDescription(msgspec.Struct, frozen=True):
    """How hard the machine works.

    Attributes:
        uptime_s: how long the server runs.
        resident_bytes: the memory that its process has.
        cpu_percent: what this process took of one core since the last time that somebody asked.
        cpu_celsius: the CPU's temperature; null if the system does not tell.
        throttled: whether a Raspberry Pi is slowed down now by heat or low voltage; null elsewhere.
    """

    uptime_s: float
    resident_bytes: int
    cpu_percent: float
    cpu_celsius: float | None
    throttled: bool | None


class Status(msgspec.Struct, frozen=True):
    """All there is to know.

    Attributes:
        version: the server's version.
        model: the model that all feeds share.
        system: how hard the machine works.
        feeds: all feeds, the oldest first.
        most_upload_bytes: the size that a sent file may have.
        allowed_sources: the kinds of sources that may be added.
    """

    version: str
    model: ModelDescription
    system: SystemDescription
    feeds: tuple[FeedDescription, ...]
    most_upload_bytes: int
    allowed_sources: tuple[SourceKind, ...]


class TimelinePoint(msgspec.Struct, frozen=True):
    """What was said at one moment: the best classes.

    Attributes:
        at: when the frame that it is about was captured or played.
        time_s: the time of that frame, in seconds since the source's start.
        top: the classes of the highest scores, best first.
    """

    at: Moment
    time_s: float
    top: tuple[ScoredLabel, ...]


class History(msgspec.Struct, frozen=True):
    """The last minutes of a feed."""

    points: tuple[TimelinePoint, ...]
    events: tuple[SeenEvent, ...]


class StepMessage(msgspec.Struct, frozen=True, tag="step", tag_field="type"):
    """Sent to those who watch a feed for each frame that was looked at; first, for the last one.

    Attributes:
        version: of the words of results.
        source: the feed's name.
        at: when the frame that it is about was captured, or, of a recording, was played.
        time_s: the time of that frame, in seconds since the source's start.
        frame: the number of that frame, from 0.
        top: the classes of the highest scores; none while the network has seen too few frames.
        going_on: events that have begun and not ended.
        preprocess_ms: how long the frame took to become what the network sees.
        inference_ms: how long the network took.
        latency_ms: how long it took from capture to here; null for recordings.
        skipped: how many frames of a live source were wanted but never looked at, so far.
        frames_per_second: how many frames are looked at in a second, lately.
    """

    version: int
    source: str
    at: Moment
    time_s: float
    frame: int
    top: tuple[ScoredLabel, ...]
    going_on: tuple[SeenEvent, ...]
    preprocess_ms: float
    inference_ms: float
    latency_ms: float | None
    skipped: int
    frames_per_second: float


class EventMessage(SeenEvent, frozen=True, tag="event", tag_field="type", kw_only=True):
    """Sent when an event has begun, and when it has ended.

    Attributes:
        version: of the words of results.
        source: the feed's name.
    """

    version: int
    source: str


class NoticeMessage(msgspec.Struct, frozen=True, tag="notice", tag_field="type"):
    """Sent when something else happened to the stream.

    Attributes:
        version: of the words of results.
        source: the feed's name.
        at: when it happened.
        time_s: the time of the next frame, in seconds since the source's start.
        kind: ``reset``: the network has forgotten all. ``interruption``: the source was lost and
            came back.
        reason: why, for people.
    """

    version: int
    source: str
    at: Moment
    time_s: float
    kind: str
    reason: str


class FeedMessage(msgspec.Struct, frozen=True, tag="feed", tag_field="type"):
    """Sent when the feed's state or settings have changed, and first of all."""

    feed: FeedDescription


class Problem(msgspec.Struct, frozen=True):
    """Why something could not be done.

    Attributes:
        status_code: the status code of the answer.
        detail: what was wrong, for people.
    """

    status_code: int
    detail: str


class TakenMessage(msgspec.Struct, frozen=True, tag="taken", tag_field="type"):
    """Sent for each picture of a browser's camera that was taken.

    Attributes:
        steps: how many of its pictures were looked at so far.
    """

    steps: int


Message = StepMessage | EventMessage | NoticeMessage | FeedMessage


class Acknowledgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a watcher sends when it has shown a picture: the next one may come.

    Attributes:
        shown: how many pictures it has shown.
    """

    shown: Annotated[int, Meta(ge=0, le=2**53)]
