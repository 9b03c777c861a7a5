"""What the server says and takes, as JSON; its OpenAPI document is made from these."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Score = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Label = Annotated[str, Meta(max_length=1000)]
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
        kind: ``source`` was named when the server was started, ``upload`` is a file that somebody
            sent, ``browser`` the camera of a browser.
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
    kind: Literal["source", "upload", "browser"]
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
    """All there is to know."""

    version: str
    model: ModelDescription
    system: SystemDescription
    feeds: tuple[FeedDescription, ...]
    most_upload_bytes: int


class TimelinePoint(msgspec.Struct, frozen=True):
    """What was said at one moment: the best classes."""

    time_s: float
    best: tuple[ScoredLabel, ...]


class History(msgspec.Struct, frozen=True):
    """The last minutes of a feed."""

    points: tuple[TimelinePoint, ...]
    events: tuple[SeenEvent, ...]


class StepMessage(msgspec.Struct, frozen=True, tag="step", tag_field="type"):
    """Sent to those who watch a feed, for each frame that was looked at."""

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

    event: SeenEvent


class NoticeMessage(msgspec.Struct, frozen=True, tag="notice", tag_field="type"):
    """Sent when something else happened to the stream."""

    time_s: float
    kind: str
    reason: str


class FeedMessage(msgspec.Struct, frozen=True, tag="feed", tag_field="type"):
    """Sent when the feed's state or settings have changed, and first of all."""

    feed: FeedDescription


Message = StepMessage | EventMessage | NoticeMessage | FeedMessage


class Acknowledgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a watcher sends when it has shown a picture: the next one may come.

    Attributes:
        shown: how many pictures it has shown.
    """

    shown: Annotated[int, Meta(ge=0, le=2**53)]
