"""What cameras are called, for people and for FFmpeg, on each system."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(r"(?:camera:)?(\d+)")
_LINUX_FILE = "/dev/video"
_WINDOWS_NAME = "video="


@dataclass(frozen=True)
class CameraAddress:
    """A camera as FFmpeg finds it.

    Attributes:
        name: for people.
        device: FFmpeg's address of it.
        format_name: FFmpeg's name of the system's cameras: V4L2 on Linux, AVFoundation on macOS,
            DirectShow or Video for Windows.
        frames_per_second: to ask for by default; None for as the camera likes.
    """

    name: str
    device: str
    format_name: str = "v4l2"
    frames_per_second: float | None = None


def camera_address(name: str, system: str = sys.platform) -> CameraAddress | None:
    """The camera that a source's name stands for; None if it stands for something else.

    Args:
        name: ``0`` or ``camera:0`` on each system, ``/dev/video0`` on Linux, ``video=NAME`` (as
            DirectShow calls it) on Windows.
        system: as :data:`sys.platform` has it.
    """
    found = _NUMBER.fullmatch(name)
    number = None if found is None else int(found[1])
    if system == "darwin":
        # AVFoundation has no default that all cameras take.
        return None if number is None else _numbered(number, "avfoundation", 30.0)
    if system == "win32":
        if name.startswith(_WINDOWS_NAME):
            return CameraAddress(name.removeprefix(_WINDOWS_NAME), name, "dshow")
        return None if number is None else _numbered(number, "vfwcap")
    if number is not None:
        name = f"{_LINUX_FILE}{number}"
    return CameraAddress(name, name) if name.startswith(_LINUX_FILE) else None


def cameras_there() -> str:
    """The cameras of this machine, for the end of a message; nothing where none can be listed."""
    if sys.platform != "linux":
        return ""
    found = sorted(str(path) for path in Path("/dev").glob("video*"))
    return f"; there are {', '.join(found)}" if found else "; there is none at all"


def _numbered(number: int, format_name: str, rate: float | None = None) -> CameraAddress:
    return CameraAddress(f"camera {number}", str(number), format_name, rate)
