"""What the server says and takes, as JSON; its OpenAPI document is made from these."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Score = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Label = Annotated[str, Meta(max_length=1000)]
Moment = Annotated[str, Meta(description="UTC, ISO 8601 with milliseconds.")]
FeedKind = Literal["source", "added", "upload", "browser"]
SourceKind = Literal["network", "this-machine", "cameras"]
FeedState = Literal["opening", "running", "paused", "lost", "ended", "failed"]


class ScoredLabel(msgspec.Struct, frozen=True):
    """A class with its score.

    Attributes:
        index: of the class.
        label: of the class.
        score: 0 to 1.
    """

    index: int
    label: str
    score: float


class SeenEvent(msgspec.Struct, frozen=True):
    """Something that was seen for a while; see :class:`movistream.Event`."""

    index: int
    label: str
    start_s: float
    end_s: float
    peak_score: float


class SavedEvent(SeenEvent, frozen=True):
    """An event that has ended.

    Attributes:
        at: when the server saw it end.
    """

    at: Moment


class SavedEvents(msgspec.Struct, frozen=True):
    """What was seen in a feed, the last 10,000 events.

    Attributes:
        feed: its id.
        name: its name.
        events: in the order of their ends, also those from before a source began anew.
    """

    feed: str
    name: str
    events: tuple[SavedEvent, ...]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a feed is watched.

    Attributes:
        enter: score at which an event begins.
        leave: score below which it ends.
        smoothing_s: average scores over about so long.
        horizon_s: let answers follow about the last so many seconds; null for as the file says.
        allow: the only labels to report; empty for all.
    """

    enter: Annotated[float, Meta(gt=0, le=1)] = 0.5
    leave: Score = 0.3
    smoothing_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    horizon_s: Seconds | None = None
    allow: Annotated[tuple[Label, ...], Meta(max_length=1000)] = ()


class NewSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be watched as well.

    Attributes:
        source: an address, such as ``rtsp://user:password@camera/stream``; where the server allows
            it, a camera of its machine.
    """

    source: Annotated[str, Meta(min_length=1, max_length=2000)]


class Latencies(msgspec.Struct, frozen=True):
    """How long steps took: counts by upper limits.

    Attributes:
        limits_ms: upper limits of all bins but the last, which has none.
        counts: of steps in each bin.
        median_ms: of the last steps.
    """

    limits_ms: tuple[float, ...]
    counts: tuple[int, ...]
    median_ms: float


class FeedDescription(msgspec.Struct, frozen=True):
    """A source, and how it goes.

    Attributes:
        id: in addresses.
        name: for people.
        kind: ``source`` was named when the server was started, ``added`` is a source that somebody
            has added, ``upload`` a file that somebody sent, ``browser`` the camera of a browser.
        state: ``lost`` is tried again.
        problem: why it is lost or has failed; empty otherwise.
        steps: frames that were looked at.
        skipped: frames of a live source that were wanted but never looked at.
        frames_per_second: looked at, lately.
        settings: how it is watched.
        latencies: of preprocessing and inference.
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
    """The model that all feeds share."""

    name: str
    labels: tuple[str, ...]
    frames_per_second: float | None


class SystemDescription(msgspec.Struct, frozen=True):
    """How hard the machine works.

    Attributes:
        uptime_s: of the server.
        resident_bytes: of this process.
        cpu_percent: of one core, by this process, since the last time that somebody asked.
        cpu_celsius: temperature; null if the system does not tell.
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
        version: of the server.
        model: that all feeds share.
        system: the machine.
        feeds: the oldest first.
        most_upload_bytes: size of a video that may be sent.
        allowed_sources: kinds of sources that may be added.
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
    """

    at: Moment
    time_s: float
    best: tuple[ScoredLabel, ...]


class History(msgspec.Struct, frozen=True):
    """The last minutes of a feed."""

    points: tuple[TimelinePoint, ...]
    events: tuple[SavedEvent, ...]


class StepMessage(msgspec.Struct, frozen=True, tag="step", tag_field="type"):
    """Sent to those who watch a feed for each frame that was looked at; first, for the last one.

    Attributes:
        at: when the frame that it is about was captured, or, of a recording, was played.
        time_s: of that frame, since the source's start.
        frame: its number.
        best: the classes of the highest scores; none while the network has seen too few frames.
    """

    at: Moment
    time_s: float
    frame: int
    best: tuple[ScoredLabel, ...]
    going_on: tuple[SeenEvent, ...]
    preprocess_ms: float
    inference_ms: float
    latency_ms: float | None
    skipped: int
    frames_per_second: float


class EventMessage(msgspec.Struct, frozen=True, tag="event", tag_field="type"):
    """Sent when an event has ended."""

    event: SavedEvent


class NoticeMessage(msgspec.Struct, frozen=True, tag="notice", tag_field="type"):
    """Sent when something else happened to the stream, at that time."""

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
        status_code: that of the answer.
        detail: for people.
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
