"""Where frames come from: files, folders, cameras, the network, pipes, arrays."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from movistream.errors import VideoError
from movistream.sources.address import is_address, is_like_an_address, public_name
from movistream.sources.cameras import camera_address
from movistream.sources.container import Container
from movistream.sources.decoding import DecodeOptions
from movistream.sources.frame import Picture, Source, VideoFrame, logger
from movistream.sources.live import Camera, NetworkStream, NoAnswerError, open_address
from movistream.sources.picamera import PiCamera
from movistream.sources.pictures import IMAGE_SUFFIXES, ArraySource, ImageFolder, RawSource
from movistream.sources.video_file import VIDEO_SUFFIXES, VideoFile, find_videos
from movistream.sources.web_video import NotFetchableError, WebVideo

__all__ = [
    "IMAGE_SUFFIXES",
    "PROTOCOLS",
    "VIDEO_SUFFIXES",
    "ArraySource",
    "Camera",
    "DecodeOptions",
    "ImageFolder",
    "NetworkStream",
    "PiCamera",
    "Picture",
    "RawSource",
    "Source",
    "SourceOptions",
    "VideoFile",
    "VideoFrame",
    "find_videos",
    "is_address",
    "is_recorded",
    "open_source",
    "public_name",
]

_PICAMERA = re.compile(r"picamera(?::(\d+))?")
PROTOCOLS = ("rtsp", "rtsps", "http", "https", "rtmp", "srt", "tcp", "udp")
"""Of addresses that can be opened as sources."""


@dataclass(frozen=True)
class SourceOptions:
    """What a source's name does not say.

    Attributes:
        size: the width and height of raw frames in pixels. A camera is asked for frames of this
            size.
        frames_per_second: the rate of raw frames. A camera is asked for this rate.
        image_files_per_second: how many image files of a folder make a second of video.
        timeout_s: the seconds after which a camera or connection that gives nothing counts as
            broken.
        give_up_after_s: the seconds after which a network stream without a picture is given up.
        decode: how frames of videos, cameras and addresses are decoded. A model that watches says
            itself what it sees of them at least.
        redirects: whether to follow a web server that says that a video is elsewhere.
    """

    size: tuple[int, int] | None = None
    frames_per_second: float | None = None
    image_files_per_second: float | None = None
    timeout_s: float = 5.0
    give_up_after_s: float = 60.0
    decode: DecodeOptions = field(default_factory=DecodeOptions)
    redirects: bool = True


def open_source(name: str | Path, options: SourceOptions | None = None) -> Source:
    """Opens a source by its name.

    Args:
        name: the name of a video file or of a folder of image files. A camera is called ``0`` or
            ``/dev/video0`` (on Windows ``video=NAME``), a Raspberry Pi's ``picamera`` or
            ``picamera:1``. An address begins with ``rtsp://``, ``http://`` and the like. ``-``
            stands for raw RGB frames on standard input.
        options: what the name does not say.

    Raises:
        VideoError: if it cannot be opened.
        MissingExtraError: if the packages that it needs are not installed.
    """
    options = options or SourceOptions()
    text = str(name)
    size, rate = options.size, options.frames_per_second
    if text == "-":
        if size is None or rate is None:
            raise VideoError(
                "raw frames on standard input need a size and a frame rate: --source-size and"
                " --source-fps"
            )
        return RawSource(sys.stdin.buffer, *size, rate, "standard input")
    if found := _PICAMERA.fullmatch(text):
        return PiCamera(int(found[1] or 0), size=size, frames_per_second=rate)
    if address := camera_address(text):
        return Camera(
            address,
            size=size,
            frames_per_second=rate,
            timeout_s=options.timeout_s,
            decode=options.decode,
        )
    if is_address(text):
        return _open_address(text, options)
    path = Path(text)
    if is_like_an_address(text) and not path.exists():
        raise VideoError(
            f"{public_name(text)} is neither a file nor an address; an address begins with one of"
            f" {', '.join(f'{name}://' for name in PROTOCOLS)}"
        )
    if path.is_dir():
        if options.image_files_per_second is None:
            raise VideoError(f"the images in {path} need a frame rate")
        return ImageFolder(path, options.image_files_per_second)
    if size is not None or rate is not None:
        logger.warning("%s says its own size and frame rate: those given are not used", text)
    return VideoFile(path, decode=options.decode)


def is_recorded(name: str | Path) -> bool:
    """Whether a source's name can be told, before it is opened, to be that of a recording."""
    text = str(name)
    live = _PICAMERA.fullmatch(text) or camera_address(text)
    return not live and not is_address(text)


def _open_address(url: str, options: SourceOptions) -> Source:
    protocol = url.partition("://")[0].lower()
    if protocol not in PROTOCOLS:
        raise VideoError(
            f"{public_name(url)} begins with {protocol}://, which is not read; there are"
            f" {', '.join(PROTOCOLS)}"
        )
    is_web = protocol in ("http", "https")

    def recording(opened: Container | None) -> WebVideo:
        return WebVideo(
            url,
            opened,
            timeout_s=options.timeout_s,
            give_up_after_s=options.give_up_after_s,
            decode=options.decode,
            redirects=options.redirects,
        )

    try:
        container = open_address(
            url, options.timeout_s, decode=options.decode, redirects=options.redirects
        )
    except NoAnswerError as error:
        # Of a large file whose index is at the end, it has read and passed over all up to there.
        if not is_web:
            raise
        try:
            return recording(None)
        except NotFetchableError:
            raise error from None
    if is_web and container.has_end:
        return recording(container)
    return NetworkStream(
        url,
        timeout_s=options.timeout_s,
        give_up_after_s=options.give_up_after_s,
        decode=options.decode,
        redirects=options.redirects,
        opened=container,
    )
