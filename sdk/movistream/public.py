"""What the package offers; its first use imports this."""

from movistream._version import __version__
from movistream.errors import (
    EngineError,
    EngineUnavailableError,
    FrameError,
    LabelsError,
    MissingExtraError,
    ModelError,
    MovistreamError,
    OutputError,
    SnapshotError,
    VideoError,
)
from movistream.file.manifest import Manifest
from movistream.sources import (
    ArraySource,
    DecodeOptions,
    Source,
    SourceOptions,
    VideoFrame,
    open_source,
)
from movistream.stream.model import Snapshot, Stream
from movistream.stream.preprocess import Region, View
from movistream.stream.result import Prediction, Result
from movistream.stream.snapshot_file import read_snapshot, write_snapshot
from movistream.watch.answer import Answer, TimelineEntry, classify
from movistream.watch.events import Event, EventOptions
from movistream.watch.lane import Ended, Started
from movistream.watch.model import Ensemble, Model, load
from movistream.watch.pool import StreamPool
from movistream.watch.resets import ResetOptions
from movistream.watch.scores import ScoreOptions
from movistream.watch.watcher import Notice, Passed, Seen, Step, WatchOptions
from movistream.watch.watching import Watching

__all__ = [
    "Answer",
    "ArraySource",
    "DecodeOptions",
    "Ended",
    "EngineError",
    "EngineUnavailableError",
    "Ensemble",
    "Event",
    "EventOptions",
    "FrameError",
    "LabelsError",
    "Manifest",
    "MissingExtraError",
    "Model",
    "ModelError",
    "MovistreamError",
    "Notice",
    "OutputError",
    "Passed",
    "Prediction",
    "Region",
    "ResetOptions",
    "Result",
    "ScoreOptions",
    "Seen",
    "Snapshot",
    "SnapshotError",
    "Source",
    "SourceOptions",
    "Started",
    "Step",
    "Stream",
    "StreamPool",
    "TimelineEntry",
    "VideoError",
    "VideoFrame",
    "View",
    "WatchOptions",
    "Watching",
    "__version__",
    "classify",
    "load",
    "open_source",
    "read_snapshot",
    "write_snapshot",
]
