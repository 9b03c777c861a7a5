"""A video worked on up to a stage, so that what is measured of it can be told apart.

Each stage's pass does all that the one before it does, and more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import movistream
from movistream.errors import VideoError
from movistream.sources.decoding import Quality
from movistream.sources.picking import Picking, at_rate, one_in
from movistream.sources.video_file import VideoFile
from movistream.stream.preprocess import Preprocessor, View

STAGES = ("demux", "decode", "convert", "step", "scores", "output")
"""From packets to frames, to the network's input, to logits, to events, to JSON lines."""


@dataclass(frozen=True, eq=False)
class Look:
    """A frame that a pass has finished with; of the first stage, a packet.

    Attributes:
        time_s: in the video.
        logits: float32 (classes,), where the pass ends with them; valid until the next look.
    """

    time_s: float
    logits: npt.NDArray[np.float32] | None = None


def picking_of(model: movistream.Model) -> Picking:
    """Which frames of a recording a model is shown."""
    rate = model.frames_per_second
    return one_in(1) if rate is None else at_rate(rate)


def looks(
    stage: str, model: movistream.Model, path: Path, quality: Quality
) -> Generator[Look, None, None]:
    """Works on a video up to a stage, decoded by one thread.

    Args:
        stage: one of :data:`STAGES`.

    Yields:
        A look at each frame that the model is shown, as soon as its work is done.

    Raises:
        MovistreamError: if the video or the model fails.
    """
    if stage == "demux":
        yield from _packets(path)
        return
    decode = movistream.DecodeOptions(quality, seen_size=model.image_size, threads=1)
    with VideoFile(path, decode=decode) as video:
        if stage in ("scores", "output"):
            yield from _watched(model, video, tells=stage == "output")
            return
        frames = video.picked(picking_of(model))
        if stage == "step":
            with model.stream() as stream:
                for frame in frames:
                    yield Look(frame.time_s, stream.step(frame.shown).logits)
            return
        preprocess = Preprocessor(model.manifest.input, View())
        for frame in frames:
            if stage == "convert":
                preprocess(frame.shown)
            yield Look(frame.time_s)


def differences(totals: Sequence[float]) -> dict[str, float]:
    """What each of the first stages adds; one that is smaller than the noise adds nothing.

    Args:
        totals: of the passes up to these stages.
    """
    highest = 0.0
    added = {}
    for stage, total in zip(STAGES, totals, strict=False):
        added[stage] = max(0.0, total - highest)
        highest = max(highest, total)
    return added


def _packets(path: Path) -> Iterator[Look]:
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            time_base = float(stream.time_base or 0)
            last = 0
            for packet in container.demux(stream):
                # In this order they come; the times at which they are shown jump to and fro.
                last = packet.dts if packet.dts is not None else last
                yield Look(last * time_base)
    except av.FFmpegError as error:
        raise VideoError(f"{path} cannot be read: {error.strerror}") from None


def _watched(model: movistream.Model, video: VideoFile, *, tells: bool) -> Iterator[Look]:
    options = movistream.WatchOptions(events=movistream.EventOptions())
    with Path(os.devnull).open("w", encoding="utf-8") as sink:
        for step in model.watch(video, options):
            if tells:
                sink.write(json.dumps(step.to_dict()) + "\n")
            yield Look(step.time_s)
