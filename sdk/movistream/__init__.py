"""movistream: streaming video networks on small devices, one frame at a time.

>>> import movistream
>>> model = movistream.load("a0.tflite")
>>> movistream.classify("clip.mp4", model)
<Answer to clip.mp4: carving ice 0.457, 50 frames, 1 event>

What happens in a clip, before a camera (``"0"``) or on the network, step by step:

>>> for step in model.watch("clip.mp4"):
...     print(step.time_s, step.label, step.score)

Frames of one's own, uint8 RGB (height, width, 3), of any size:

>>> with model.stream() as stream:
...     for frame in frames:
...         print(stream.step(frame).top(3))

Several sources at once: :class:`StreamPool`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from movistream._version import __version__ as __version__

if TYPE_CHECKING:
    from movistream.public import *  # noqa: F403 - it says itself what is public

_PUBLIC = "movistream.public"


def __getattr__(name: str) -> Any:
    # A command that needs neither video nor engine starts without them.
    public = importlib.import_module(_PUBLIC)
    if name in {"__all__", *public.__all__}:
        globals()[name] = getattr(public, name)
    if name in globals():  # As are modules now.
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(importlib.import_module(_PUBLIC).__all__)
