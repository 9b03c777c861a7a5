"""Decoders that are no program: named by who wants one, and done without where there is none.

FFmpeg reaches them in two ways. Some are decoders of their own, such as ``h264_v4l2m2m`` for the
chip of a Raspberry Pi 4; others help FFmpeg's own decoder with a device. A conforming decoder gives
the same pixels as any other (ITU-T H.264 and H.265 say every bit of them).
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, get_args

from movistream.sources.address import reason_of
from movistream.sources.frame import logger

Hardware = Literal["v4l2m2m", "vaapi", "cuda", "videotoolbox"]
HARDWARE: tuple[Hardware, ...] = get_args(Hardware)
"""Linux's drivers of codec chips, graphics cards of Intel and AMD, of NVIDIA, and Apple's."""

_DECODERS = frozenset({"v4l2m2m"})
"""Those that are decoders of their own; the others help FFmpeg's."""


def opened_with_help(opening: Any, hardware: Hardware | None) -> Any:
    """Opens a file or an address so that a device helps to decode it, if one can.

    Args:
        opening: PyAV's ``av.open`` with all but the device.
        hardware: of which kind; None for none.

    Raises:
        av.FFmpegError, OSError, ValueError: if it cannot be opened without either.
    """
    if hardware is None or hardware in _DECODERS:
        return opening()
    from av import FFmpegError
    from av.codec.hwaccel import HWAccel, hwdevices_available

    if hardware not in hwdevices_available():
        _tell_of_none(hardware, "this FFmpeg is built without it")
        return opening()
    failure: Exception | None = None
    try:
        container = opening(hwaccel=HWAccel(hardware, allow_software_fallback=True))
    except (FFmpegError, OSError, ValueError, RuntimeError) as error:
        failure = error
    if failure is not None:
        # What cannot be opened at all says so here.
        container = opening()
        _tell_of_none(hardware, reason_of(failure))
    elif not any(stream.codec_context.is_hwaccel for stream in _videos(container)):
        _tell_of_none(hardware, "it does not know this codec")
    return container


def decoder_in(hardware: Hardware | None, codec: Any) -> Any:
    """The decoder to use: one of its own kind if there is one here, or the one that is given.

    Args:
        hardware: of which kind; None for none.
        codec: PyAV's context of FFmpeg's decoder, which has not begun.
    """
    if hardware is None or hardware not in _DECODERS:
        return codec
    from av import CodecContext, FFmpegError

    try:
        found = CodecContext.create(_decoder_name(codec, hardware), "r")
        found.extradata = codec.extradata
        found.width, found.height = codec.width, codec.height
        found.pix_fmt = codec.pix_fmt
        found.open()
    except (FFmpegError, OSError, ValueError) as error:
        _tell_of_none(hardware, reason_of(error))
        return codec
    return found


def _decoder_name(codec: Any, hardware: Hardware) -> str:
    name: str = codec.codec.canonical_name
    return f"{name}_{hardware}"


def _videos(container: Any) -> list[Any]:
    return [stream for stream in container.streams.video if stream.codec_context is not None]


@cache
def _tell_of_none(hardware: Hardware, reason: str) -> None:
    """Says so once, not for each of many videos."""
    logger.warning("%s does not decode here (%s): the CPU does", hardware, reason)
