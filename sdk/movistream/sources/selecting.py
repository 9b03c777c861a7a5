"""Decodes no more of a recording than what its picked frames need.

Packets say when their frames are shown before anything is decoded. So a packet whose frame is not
picked is dropped where no picked frame needs it:

- always, where every frame stands alone, as in MJPEG;
- where its decoder knows it to be no reference, as are most B-frames of H.264;
- behind the last picked frame before a key frame with which all starts anew.

The frames that are picked are the same to the bit as if all had been decoded.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from movistream.sources.packets import STANDING_ALONE, is_reference, starts_anew
from movistream.sources.picking import Picking

_ONE_PACKET_A_FRAME = frozenset({"h264", "hevc", "mpeg2video", "vp9"})
"""Besides those whose frames stand alone. VP8 has packets without a frame, MPEG-4 may have two in
one."""

_MOST_REORDERED = 64
"""Packets that are waited for to know the order of their frames; H.264 reorders 16 at most."""

_MOST_HELD = 600
_MOST_HELD_BYTES = 8_000_000
"""Of packets that may yet be dropped at a key frame."""


class Clock:
    """Times of frames from 0; those that jump back, as in joined recordings, go on."""

    def __init__(self, step_s: float) -> None:
        """Takes how far frames without times are apart, in seconds."""
        self._step_s = step_s
        self._start_s: float | None = None
        self._last_s: float | None = None

    def at(self, own_s: float | None) -> float:
        """The time of the next frame in seconds, which says one itself or none."""
        last_s = self._last_s or 0.0
        if own_s is not None and self._start_s is None:
            self._start_s = own_s
        if own_s is None or self._start_s is None:
            time_s = 0.0 if self._last_s is None else last_s + self._step_s
        else:
            if own_s - self._start_s < last_s:
                self._start_s = own_s - last_s - self._step_s
            time_s = own_s - self._start_s
        self._last_s = time_s
        return time_s


@dataclass(frozen=True)
class Decoded:
    """A decoded frame.

    Attributes:
        index: the number of the frame in the recording, from 0.
        time_s: since its start.
        frame: PyAV's, to be made a picture of.
    """

    index: int
    time_s: float
    frame: Any


@dataclass(eq=False)
class _Slot:
    """A frame that a packet will become.

    Attributes:
        pts: when it is shown, in units of its stream.
        packet: None if it is with the decoder already.
        own_s: the same in seconds; of no meaning if it is never shown.
        index: the number of the frame in the recording; of no meaning before it is known.
        time_s: since its start; likewise.
        picked: None until it is known.
    """

    pts: int
    packet: Any
    own_s: float = 0.0
    index: int = -1
    time_s: float = 0.0
    picked: bool | None = None

    def __lt__(self, other: _Slot) -> bool:
        return self.pts < other.pts


def picked_frames(
    packets: Iterator[Any],
    codec: Any,
    picking: Picking,
    step_s: float,
    *,
    references_only: bool = False,
) -> Iterator[Decoded]:
    """The picked frames of an opened recording, in order.

    Args:
        packets: PyAV's, of its video.
        codec: PyAV's context of what decodes them.
        picking: which of its frames.
        step_s: see :class:`Clock`.
        references_only: let it pick among frames that others refer to alone, where packets tell.

    Raises:
        av.FFmpegError, OSError, ValueError: where it cannot be read or decoded on.
    """
    clock = Clock(step_s)
    begun: list[Any] = []
    frames: list[Any] = []
    if codec.name not in STANDING_ALONE:
        begun, frames = _until_a_frame(packets, codec)
        if not _can_select(codec.name, begun, frames):
            following = _all(packets, codec)
            yield from _picked(_numbered(chain(frames, following), clock), picking)
            return
    selection = _Selection(codec, clock, begun, frames)
    slots = selection.slots(packets)
    if references_only:
        slots = _references(slots, codec)
    for slot, picked in picking(slots):
        slot.picked = picked
        yield from selection.decided(slot)
    yield from selection.rest()


def all_frames(packets: Iterator[Any], codec: Any, step_s: float) -> Iterator[Decoded]:
    """All frames of an opened recording or camera, in order; see :func:`picked_frames`."""
    return _numbered(_all(packets, codec), Clock(step_s))


def _all(packets: Iterator[Any], codec: Any) -> Iterator[Any]:
    return (frame for packet in packets for frame in codec.decode(packet))


def _numbered(frames: Iterable[Any], clock: Clock) -> Iterator[Decoded]:
    return (
        Decoded(index, clock.at(_checked(frame).time), frame) for index, frame in enumerate(frames)
    )


def _picked(frames: Iterable[Decoded], picking: Picking) -> Iterator[Decoded]:
    return (frame for frame, picked in picking(frames) if picked)


def _checked(frame: Any) -> Any:
    """A decoded frame that is not damaged."""
    if frame.is_corrupt:
        raise ValueError("the next frame is damaged")
    return frame


def _until_a_frame(packets: Iterator[Any], codec: Any) -> tuple[list[Any], list[Any]]:
    """Decodes packets until there is a frame; all of these packets, and what frames there are."""
    begun: list[Any] = []
    for packet in packets:
        begun.append(packet)
        if frames := codec.decode(packet):
            return begun, frames
    return begun, []


def _can_select(codec: str, begun: list[Any], frames: list[Any]) -> bool:
    """Whether packets tell what will become of them."""
    times = [packet.pts for packet in begun]
    return (
        codec in _ONE_PACKET_A_FRAME
        and None not in times  # As at the end, where all is decoded already.
        and len(set(times)) == len(times)
        and all(frame.pts in times and not frame.interlaced_frame for frame in frames)
    )


class _Selection:
    """Packets on their way to a decoder.

    They come in the order in which they are decoded, and are decided upon in the order in which
    their frames are shown.
    """

    def __init__(self, codec: Any, clock: Clock, begun: list[Any], frames: list[Any]) -> None:
        """Goes on from a beginning: packets that are decoded already, and what came of them."""
        self._codec = codec
        self._clock = clock
        self._alone = self._codec.name in STANDING_ALONE
        self._ready = {frame.pts: _checked(frame) for frame in frames}
        # What is shown before the first frame cannot be decoded, and never comes.
        earliest = min(self._ready, default=0)
        self._begun = [
            _Slot(packet.pts, None, float(packet.pts * packet.time_base))
            for packet in begun
            if packet.pts >= earliest and not packet.is_discard
        ]
        self._undecided = deque(self._begun)
        self._held: deque[_Slot] = deque()
        self._held_bytes = 0
        self._expected: deque[_Slot] = deque(maxlen=_MOST_REORDERED)
        self._dropped_until: int | None = None

    def slots(self, packets: Iterator[Any]) -> Iterator[_Slot]:
        """All frames that will be, in the order in which they are shown."""
        waiting = sorted(self._begun)
        last_dts: int | None = None
        count = 0
        for packet in chain(packets, [None]):
            arrived: list[_Slot] = []
            if packet is None:
                arrived, waiting = sorted(waiting), []
            elif packet.size and packet.pts is not None and not packet.is_discard:
                dts = packet.dts
                if dts is not None and last_dts is not None and dts < last_dts:
                    # Another recording has been joined on.
                    arrived, waiting = sorted(waiting), []
                slot = _Slot(packet.pts, packet, float(packet.pts * packet.time_base))
                self._undecided.append(slot)
                heapq.heappush(waiting, slot)
                last_dts = last_dts if dts is None else dts
                while waiting and (_is_known(waiting[0], dts) or len(waiting) > _MOST_REORDERED):
                    arrived.append(heapq.heappop(waiting))
            elif packet.size:
                self._undecided.append(_Slot(-1, packet, picked=False))
            for slot in arrived:
                slot.index, slot.time_s = count, self._clock.at(slot.own_s)
                count += 1
                yield slot

    def decided(self, slot: _Slot) -> Iterator[Decoded]:
        """What can be decoded now that the next frame is picked or not."""
        if slot.picked and slot.pts in self._ready:
            yield Decoded(slot.index, slot.time_s, self._ready.pop(slot.pts))
            slot.picked = False  # It is not waited for.
        while self._undecided and self._undecided[0].picked is not None:
            yield from self._decode_or_hold(self._undecided.popleft())

    def rest(self) -> Iterator[Decoded]:
        """What the decoder still has at the end."""
        self._codec.skip_frame = "DEFAULT"
        yield from self._decoded(self._codec.decode(None))

    def _decode_or_hold(self, slot: _Slot) -> Iterator[Decoded]:
        if slot.packet is None:
            if slot.picked:
                self._expected.append(slot)
            return
        if self._alone:
            if slot.picked:
                yield from self._sent(slot)
            return
        if self._dropped_until is not None:
            if slot.pts < self._dropped_until and not slot.picked:
                return  # It belongs to what was dropped, and only such frames need it.
            self._dropped_until = None
        if self._held and slot.packet.is_keyframe and self._starts_anew(slot):
            self._held.clear()
            self._held_bytes = 0
            self._dropped_until = slot.pts
            # What it still has would wait for those that were dropped.
            yield from self.rest()
            self._codec.flush_buffers()
        self._held.append(slot)
        self._held_bytes += slot.packet.size
        too_many = len(self._held) > _MOST_HELD or self._held_bytes > _MOST_HELD_BYTES
        if slot.picked or too_many:
            self._held_bytes = 0
            while self._held:
                yield from self._sent(self._held.popleft())

    def _starts_anew(self, slot: _Slot) -> bool:
        """Whether nothing that is picked from here on needs what was before."""
        leading = any(other.picked and other.pts < slot.pts for other in self._undecided)
        return not leading and starts_anew(self._codec, slot.packet)

    def _sent(self, slot: _Slot) -> Iterator[Decoded]:
        self._codec.skip_frame = "DEFAULT" if slot.picked else "NONREF"
        if slot.picked:
            self._expected.append(slot)
        packet, slot.packet = slot.packet, None
        yield from self._decoded(self._codec.decode(packet))

    def _decoded(self, frames: Iterable[Any]) -> Iterator[Decoded]:
        for frame in frames:
            _checked(frame)
            found = next((slot for slot in self._expected if slot.pts == frame.pts), None)
            if found is not None:
                self._expected.remove(found)
                yield Decoded(found.index, found.time_s, frame)


def _references(slots: Iterator[_Slot], codec: Any) -> Iterator[_Slot]:
    """Those of the frames that others refer to; the rest is not picked."""
    for slot in slots:
        if slot.packet is None or is_reference(codec, slot.packet):
            yield slot
        else:
            slot.picked = False


def _is_known(slot: _Slot, dts: int | None) -> bool:
    """Whether all that is shown before a frame has come: all is decoded before it is shown."""
    return dts is not None and slot.pts <= dts
