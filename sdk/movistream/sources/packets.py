"""What packets say of their frames before these are decoded.

A key frame of H.264 may be one behind which frames still refer to what was before: only an IDR
picture (ITU-T H.264, 7.4.1.2.4) clears the references. Of the others that are read here, no frame
that follows a key frame in both orders, of decoding and of showing, refers to what was before.

Pictures to which no other refers have a ``nal_ref_idc`` of 0 in H.264 (7.4.1), and an even unit
type below 16 in H.265 (7.4.2.2), where that holds for the highest of the temporal layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

STANDING_ALONE = frozenset({"dnxhd", "jpeg2000", "mjpeg", "prores", "rawvideo"})
"""Codecs of which no frame needs another."""

_H264_SLICES = range(1, 6)
_H264_IDR = 5
_HEVC_SLICES = range(32)
_HEVC_REFERENCES_FROM = 16
_START_CODE = b"\x00\x00\x01"
_MOST_UNITS = 64


def starts_anew(codec: Any, packet: Any) -> bool:
    """Whether frames behind a key frame, shown after it, never refer to what was before it.

    Args:
        codec: PyAV's context of the decoder.
        packet: PyAV's, of a key frame.
    """
    if codec.name != "h264":
        return True
    slices = (unit for unit in _units(codec, packet) if unit & 0x1F in _H264_SLICES)
    return next(slices, 0) & 0x1F == _H264_IDR


def is_reference(codec: Any, packet: Any) -> bool:
    """Whether other frames may refer to a packet's; true where nobody knows."""
    if codec.name == "h264":
        slices = (unit for unit in _units(codec, packet) if unit & 0x1F in _H264_SLICES)
        return next(slices, 0x60) & 0x60 != 0
    if codec.name == "hevc":
        kinds = (unit >> 1 & 0x3F for unit in _units(codec, packet))
        kind = next((kind for kind in kinds if kind in _HEVC_SLICES), _HEVC_REFERENCES_FROM)
        return kind >= _HEVC_REFERENCES_FROM or kind % 2 == 1
    return True


def _units(codec: Any, packet: Any) -> Iterator[int]:
    """The first bytes of a packet's units (H.264 and H.265, annex B; ISO/IEC 14496-15)."""
    data, extradata = bytes(packet), codec.extradata
    length_at = 4 if codec.name == "h264" else 21
    place = 0
    if extradata and len(extradata) > length_at and extradata[0] == 1:
        length_bytes = (extradata[length_at] & 3) + 1
        for _ in range(_MOST_UNITS):
            if place + length_bytes >= len(data):
                return
            yield data[place + length_bytes]
            place += length_bytes + int.from_bytes(data[place : place + length_bytes], "big")
        return
    for _ in range(_MOST_UNITS):
        place = data.find(_START_CODE, place) + len(_START_CODE)
        if place < len(_START_CODE) or place >= len(data):
            return
        yield data[place]
