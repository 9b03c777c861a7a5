"""Finds the videos of an archive: files, objects, and folders of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from movistream.archive.plan import Video
from movistream.archive.store import file_system, patiently
from movistream.errors import OutputError, VideoError
from movistream.parquet.recording import fingerprint_by, fingerprint_of
from movistream.sources import PROTOCOLS, VIDEO_SUFFIXES, is_address, is_recorded, public_name

_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "mtime")
"""By what stores tell whether an object has changed, the surest first."""


def find_videos_of(sources: Sequence[str]) -> tuple[Video, ...]:
    """All videos among the sources and below folders among them, each once, by their names.

    Raises:
        VideoError: if a source has no end, a folder has no video, or one cannot be read.
        MissingExtraError: if what reads an address is not installed.
    """
    found: dict[str, Video] = {}
    folders: dict[str, str] = {}
    for source in sources:
        if not source:
            raise VideoError("the name of a source is empty")
        in_store = is_in_a_store(source)
        if not in_store and (not is_recorded(source) or source == "-"):
            raise VideoError(
                f"{public_name(source)} is no file; an archive takes files and folders of files"
            )
        videos = _objects(source) if in_store else _files(source)
        if not videos:
            raise VideoError(
                f"the folder {source} holds no video ({', '.join(sorted(VIDEO_SUFFIXES))})"
            )
        if videos[0] == Video(source, "") and not _is_video(source):
            raise VideoError(f"there is neither a folder nor a file {source}")
        for video in videos:
            found.setdefault(video.name if in_store else _place_of(video.name, folders), video)
    return tuple(sorted(found.values(), key=lambda video: video.name))


def _place_of(name: str, folders: dict[str, str]) -> str:
    """Where a file is, however its folder is called; folders that were asked for are remembered."""
    folder, file = os.path.split(name)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    return os.path.join(folders[folder], file)  # noqa: PTH118


def is_in_a_store(name: str) -> bool:
    """Whether a source is an address, and none of a stream."""
    return is_address(name) and name.partition("://")[0].lower() not in PROTOCOLS


def _files(source: str) -> list[Video]:
    if Path(source).is_dir():
        return list(_below(str(Path(source))))
    name = str(Path(source))
    return [Video(name, fingerprint_of(name))]


def _below(folder: str) -> Iterator[Video]:
    """The videos in a folder and the folders in it.

    Raises:
        VideoError: if one of them cannot be read: whatever is in it would be left out in silence.
    """
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                found = list(entries)
        except OSError as error:
            raise VideoError(
                f"cannot look into the folder {error.filename}: {error.strerror}; let it be read,"
                " or name other folders"
            ) from None
        for entry in found:
            # By the entry, which mostly knows without asking the system once more.
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif _is_video(entry.name) and (_is_file(entry) or _leads_nowhere(entry)):
                yield Video(entry.path, fingerprint_by(entry.stat))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        # A link to itself.
        return False


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    """Whether it is a link to what is not there, which is a video that cannot be read."""
    return entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110


def _objects(address: str) -> list[Video]:
    try:
        system, root = file_system(address)
        entries = patiently(lambda: _entries(system, root), address, 0.0)
    except FileNotFoundError:
        return [Video(address, "")]
    except OutputError as error:
        raise VideoError(str(error)) from None
    return [
        Video(str(system.unstrip_protocol(path)), _fingerprint(entry))
        for path, entry in entries.items()
        if path == root or _is_video(path)
    ]


def _entries(system: Any, root: str) -> Mapping[str, Mapping[str, Any]]:
    """What the store says of an object, or of all below a folder."""
    entry = system.info(root)
    if entry["type"] == "file":
        return {root: entry}
    found: Mapping[str, Mapping[str, Any]] = system.find(root, detail=True)
    return found


def _is_video(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES  # noqa: PTH122


def _fingerprint(entry: Mapping[str, Any]) -> str:
    version = next((entry[name] for name in _VERSIONS if entry.get(name)), "")
    return f"{entry.get('size')}-{version}"
