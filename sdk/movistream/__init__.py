"""movistream: streaming video networks on small devices, one frame at a time.

>>> import movistream
>>> model = movistream.load("a0.tflite", threads=2)
>>> with model.stream() as stream:
...     for frame in frames:                     # uint8 RGB (height, width, 3), any size
...         print(stream.step(frame).top(3))
"""

from movistream._version import __version__
from movistream.errors import MovistreamError
from movistream.loading import load
from movistream.manifest import Manifest
from movistream.model import Model, Snapshot, Stream
from movistream.result import Prediction, Result

__all__ = [
    "Manifest",
    "Model",
    "MovistreamError",
    "Prediction",
    "Result",
    "Snapshot",
    "Stream",
    "__version__",
    "load",
]
