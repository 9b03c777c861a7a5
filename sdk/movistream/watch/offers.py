"""What a source offers to be watched, and what each of it costs on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from movistream.errors import MovistreamError
from movistream.sources import Source, SourceOptions, VideoFrame, is_address, open_source
from movistream.sources.cameras import camera_address
from movistream.sources.decoding import QUALITIES
from movistream.sources.frame import Track
from movistream.sources.picking import LiveTicks, at_rate, one_in
from movistream.sources.substreams import substreams_of
from movistream.stream.ensemble import Streamable
from movistream.watch.lane import is_slower, source_name

CAMERA_SIZES = ((1280, 720), (640, 480), (320, 240))
"""Width and height that a camera of this machine is asked for, besides what it likes best."""


@dataclass(frozen=True)
class Offer:
    """One way to watch a source.

    Attributes:
        source: its name.
        asked: how to ask for it, such as ``--track 2``; empty for what comes by itself.
        live: see :class:`.sources.frame.Source`.
        track: what comes; None if the source does not say, or did not open.
        cpu_ms: what watching it takes of a core, from packets to logits, in milliseconds to a
            second of video, by how it is decoded: ``exact``, ``fast``.
        failure: why it could not be had; None if it could.
    """

    source: str
    asked: str
    live: bool
    track: Track | None
    cpu_ms: Mapping[str, float]
    failure: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types."""
        track = self.track
        return {
            "source": self.source,
            "asked": self.asked,
            "live": self.live,
            "codec": None if track is None else track.codec,
            "width": None if track is None else track.width,
            "height": None if track is None else track.height,
            "frames_per_second": None if track is None else track.frames_per_second,
            "cpu_ms_per_second": dict(self.cpu_ms),
            "failure": self.failure,
        }


def offers_of(
    name: str,
    model: Streamable,
    options: SourceOptions,
    seconds: float,
) -> Iterator[Offer]:
    """What a source offers, each as soon as it has been watched for a while.

    First comes the source as it is named; only if that cannot be opened, nothing follows. Then come
    other videos in it, a camera's other sizes, or the addresses at which it may send less.

    Args:
        name: of the source, see :func:`movistream.open_source`.
        model: what watches it.
        options: how it is opened; how it is decoded, but for the quality and threads.
        seconds: of video that are watched in each quality.

    Raises:
        MovistreamError: if the source cannot be opened as it is named.
    """
    own = options.decode.track
    first, tracks = _watched(name, model, options, seconds)
    known_as = source_name(name)
    yield replace(first, source=known_as, asked="" if own == 1 else f"--track {own}")
    for asked, address, chosen in _other_ways(name, options, tracks):
        try:
            offer, _ = _watched(address, model, chosen, seconds)
        except MovistreamError as error:
            offer = Offer(known_as, asked, first.live, None, {}, str(error))
        yield replace(offer, source=known_as, asked=asked)


def best_offer(offers: list[Offer], model: Streamable) -> Offer | None:
    """The cheapest of a source's offers that has all that the network sees; None if none has."""
    enough = [offer for offer in offers if offer.cpu_ms and _is_enough(offer.track, model)]
    return min(enough, key=lambda offer: offer.cpu_ms["exact"], default=None)


def _is_enough(track: Track | None, model: Streamable) -> bool:
    if track is None:
        return False
    rate = model.frames_per_second
    has_rate = rate is None or not is_slower(track.frames_per_second, rate)
    return has_rate and min(track.width, track.height) >= min(model.image_size)


def _other_ways(
    name: str, options: SourceOptions, tracks: int
) -> Iterator[tuple[str, str, SourceOptions]]:
    """How else to ask, in words, by which name and with which options."""
    for number in range(1, tracks + 1):
        if number != options.decode.track:
            decode = replace(options.decode, track=number)
            yield f"--track {number}", name, replace(options, decode=decode)
    if camera_address(name) is not None and options.size is None:
        for width, height in CAMERA_SIZES:
            asked = f"--source-size {width}x{height}"
            yield asked, name, replace(options, size=(width, height))
    if is_address(name):
        for smaller in substreams_of(name):
            yield smaller.told, smaller.address, options


def _watched(
    name: str, model: Streamable, options: SourceOptions, seconds: float
) -> tuple[Offer, int]:
    """What comes and what it costs in each quality, and the number of videos there."""
    costs: dict[str, float] = {}
    track: Track | None = None
    for quality in QUALITIES:
        decode = replace(options.decode, quality=quality, seen_size=model.image_size, threads=1)
        with open_source(name, replace(options, decode=decode)) as source:
            if len(source.tracks) >= decode.track:
                track = source.tracks[decode.track - 1]
            costs[quality] = _cpu_ms(source, model, seconds)
            tracks, live = len(source.tracks), source.live
    return Offer("", "", live, track, costs), tracks


def _cpu_ms(source: Source, model: Streamable, seconds: float) -> float:
    """Milliseconds of a core to a second of video; what it takes to begin is left out."""
    frames = _looked_at(source, model.frames_per_second)
    first = next(frames, None)
    if first is None:
        return 0.0
    with closing(model.stream()) as stream:
        stream.step(first.shown)
        begin_s, last_s = time.process_time(), first.time_s
        for frame in frames:
            stream.step(frame.shown)
            last_s = frame.time_s
            if last_s - first.time_s >= seconds:
                break
        spent_ms = (time.process_time() - begin_s) * 1e3
    return spent_ms / (last_s - first.time_s) if last_s > first.time_s else spent_ms


def _looked_at(source: Source, rate: float | None) -> Iterator[VideoFrame]:
    if not source.live:
        return source.picked(one_in(1) if rate is None else at_rate(rate))
    if rate is None:
        return iter(source)
    ticks = LiveTicks(rate)
    return (frame for frame in source if ticks.wants(frame.time_s))
