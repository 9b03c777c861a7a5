"""movistream: streaming video networks on small devices, one frame at a time.

>>> import movistream
>>> model = movistream.load("a0.tflite", threads=2)
>>> with model.stream() as stream:
...     for frame in frames:                     # uint8 RGB (height, width, 3), any size
...         print(stream.step(frame).top(3))

Cameras, files and network streams, several at once, with events:

>>> with movistream.StreamPool(model, ["a.mp4", "rtsp://camera/1"]) as pool:
...     for item in pool:
...         print(item)
"""

from movistream._version import __version__
from movistream.ensemble import Ensemble
from movistream.errors import MovistreamError
from movistream.events import Event, EventOptions
from movistream.loading import load
from movistream.manifest import Manifest
from movistream.model import Model, Snapshot, Stream
from movistream.pool import Ended, Started, StreamPool
from movistream.preprocess import Region, View
from movistream.resets import ResetOptions
from movistream.result import Prediction, Result
from movistream.scores import ScoreOptions
from movistream.snapshot_file import read_snapshot, write_snapshot
from movistream.sources import Source, SourceOptions, VideoFrame, open_source
from movistream.watch import Notice, Passed, Seen, Step, WatchOptions

__all__ = [
    "Ended",
    "Ensemble",
    "Event",
    "EventOptions",
    "Manifest",
    "Model",
    "MovistreamError",
    "Notice",
    "Passed",
    "Prediction",
    "Region",
    "ResetOptions",
    "Result",
    "ScoreOptions",
    "Seen",
    "Snapshot",
    "Source",
    "SourceOptions",
    "Started",
    "Step",
    "Stream",
    "StreamPool",
    "VideoFrame",
    "View",
    "WatchOptions",
    "__version__",
    "load",
    "open_source",
    "read_snapshot",
    "write_snapshot",
]
