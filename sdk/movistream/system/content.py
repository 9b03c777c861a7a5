"""What a file looks like, for messages about one that is something else than it should be."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 512
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (4, b"TFL3", "a .tflite model"),
    (0, b"%PDF-", "a PDF"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (4, b"ftyp", "an .mp4 video or the like"),
    (0, b"\x1aE\xdf\xa3", "a .mkv or .webm video"),
    (8, b"AVI ", "an .avi video"),
    (0, b"version https://git-lfs", "a pointer of Git LFS: fetch the file by 'git lfs pull'"),
)
_WEB_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml")
_MOST_CONTROLS = 0.02


def looks_like(head: bytes) -> str | None:
    """What a file is that begins so, for people: ``a web page``; None where nothing tells.

    Args:
        head: its first bytes, all of a file that is shorter than 512.
    """
    if not head:
        return "empty"
    if head.lstrip().lower().startswith(_WEB_PAGES):
        return "a web page: download the file itself, not the page that shows it"
    for start, signature, kind in _SIGNATURES:
        if head[start:].startswith(signature):
            return kind
    controls = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return "text" if controls <= _MOST_CONTROLS * len(head) and 0 not in head else None


def head_of(path: Path) -> bytes:
    """The first bytes of a file, for :func:`looks_like`; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""
