"""What a video codec makes of frames: blocks, lost grain, and pictures that hardly change."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from movistream_training.footage.scene import Picture

_ENCODERS = ("libx264", "mpeg4")
"""The first that FFmpeg has here; not every build has x264."""


@dataclass(frozen=True)
class Codec:
    """Settings of an encoder of H.264.

    Attributes:
        quality: constant rate factor of x264, 18 (good) to 45 (bad).
        preset: of x264.
        key_frames: a frame that is coded by itself comes after so many.
    """

    quality: int
    preset: str
    key_frames: int


def coded(frames: Sequence[Picture], codec: Codec, frames_per_second: int) -> list[Picture]:
    """The frames, uint8 RGB of one even size, encoded and decoded again."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = _stream(container, codec, frames_per_second)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as container:
        decoded = container.decode(video=0)
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in decoded]


def _stream(container: Any, codec: Codec, frames_per_second: int) -> Any:
    name = next(name for name in _ENCODERS if name in av.codec.codecs_available)
    options = {"g": str(codec.key_frames), "threads": "1", "bf": "0"}
    if name == "libx264":
        options |= {"preset": codec.preset, "crf": str(codec.quality), "tune": "zerolatency"}
    else:
        options["qscale"] = str(max(2, (codec.quality - 16) // 2))
    return container.add_stream(name, rate=Fraction(frames_per_second), options=options)
