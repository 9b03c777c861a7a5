"""Recordings on web servers, also on those that give no parts of a file.

An .mp4 often has its index at the end, so that a reader has to ask for the end first. A server
without ranges (RFC 9110, 14) gives all from the start alone; then the file is fetched first.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from movistream.errors import VideoError
from movistream.sources.address import public_name
from movistream.sources.container import Container, MediaError, file_options
from movistream.sources.decoding import DecodeOptions
from movistream.sources.frame import VideoFrame, logger
from movistream.sources.picking import Picking
from movistream.sources.video_file import VideoFile
from movistream.system.leftovers import temporary_folder

MOST_BYTES = 200 * 1000**2
"""Of a recording that is fetched first: temporary files may lie in memory."""

_CHUNK_BYTES = 256 * 1024
_NOT_QUOTED = "%/:=&?~#+!$,;'@()*[]"


class NotFetchableError(VideoError):
    """That a server gives no parts of a file is not why it cannot be played."""


class WebVideo(VideoFile):
    """A recording on a web server, see :class:`.frame.Source`."""

    def __init__(
        self,
        url: str,
        opened: Container | None,
        *,
        timeout_s: float,
        give_up_after_s: float,
        decode: DecodeOptions | None = None,
        redirects: bool = True,
    ) -> None:
        """Takes an opened address, or fetches the file if it could not be opened.

        Args:
            opened: what plays it from the server; None if it cannot be played so.
            timeout_s: after which a server that gives nothing is given up.
            give_up_after_s: after which a file that is fetched is given up.
            decode: how frames are decoded; those that are too large count as damage.
            redirects: follow a server that says that the file is elsewhere.

        Raises:
            NotFetchableError: if it has to be fetched, and is no such file.
            VideoError: if it cannot be fetched for another reason.
        """
        self._url = url
        self._timeout_s = timeout_s
        self._give_up_after_s = give_up_after_s
        self._decode = decode
        self._redirects = redirects
        self._stack = ExitStack()
        self._take(self._fetched() if opened is None else opened, public_name(url))

    def _frames(self, picking: Picking | None) -> Iterator[VideoFrame]:
        came = False
        try:
            for frame in super()._frames(picking):
                came = True
                yield frame
            return
        except VideoError:
            if came:
                raise
        self._container.close()
        self._container = self._fetched()
        yield from super()._frames(picking)

    def close(self) -> None:
        super().close()
        self._stack.close()

    def _fetched(self) -> Container:
        """The whole file, as one of this machine's own."""
        name = public_name(self._url)
        try:
            with self._ask() as answer:
                size = _size_without_ranges(answer, name)
                logger.warning(
                    "%s gives no parts of a file: all of it is fetched first, %.1f MB",
                    name,
                    size / 1e6,
                )
                folder = self._stack.enter_context(temporary_folder())
                path = folder / "video"
                self._fetch(answer, path, size)
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror or error
            raise NotFetchableError(f"{name} cannot be fetched: {reason}") from None
        try:
            return Container(f"file:{path}", options=file_options(), decode=self._decode)
        except MediaError:
            raise VideoError(f"{name} cannot be opened as a video") from None

    def _ask(self) -> Any:
        """Asks for the whole, in a way by which the server shows whether it gives parts."""
        from http.client import HTTPException
        from urllib.request import HTTPRedirectHandler, Request, build_opener

        class Refusing(HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        parts = urlsplit(self._url)
        user, _, host = parts.netloc.rpartition("@")
        request = Request(
            quote(parts._replace(netloc=host, fragment="").geturl(), safe=_NOT_QUOTED),
            headers={"Range": "bytes=0-"},
        )
        if user:
            pair = b64encode(unquote(user).encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {pair}")
        opener = build_opener(*(() if self._redirects else (Refusing,)))
        try:
            return opener.open(request, timeout=self._timeout_s)
        except (HTTPException, ValueError) as error:
            raise OSError(type(error).__name__) from None

    def _fetch(self, answer: Any, path: Path, size: int) -> None:
        name, ends_s = public_name(self._url), time.monotonic() + self._give_up_after_s
        left = size
        with path.open("wb") as file:
            while left:
                chunk = answer.read(min(left, _CHUNK_BYTES))
                if not chunk:
                    raise VideoError(f"{name} broke off, {left:,} bytes before the end")
                file.write(chunk)
                left -= len(chunk)
                if left and time.monotonic() > ends_s:
                    raise VideoError(
                        f"{name} gives no parts of a file, and all of it did not come within"
                        f" {self._give_up_after_s:g} s: download it, and name the file"
                    )


def _size_without_ranges(answer: Any, name: str) -> int:
    """How large a file is of which the server gives no parts.

    Raises:
        NotFetchableError: if there is another reason why it cannot be played.
        VideoError: if it is too large.
    """
    kind = answer.headers.get("Content-Type", "").lower()
    if answer.status == 206 or kind.startswith("text/html"):
        raise NotFetchableError(f"{name} holds no frame that can be decoded")
    try:
        size = int(answer.headers.get("Content-Length", ""))
    except ValueError:
        raise NotFetchableError(
            f"{name} holds no frame that can be decoded, and does not say how long it is"
        ) from None
    if size > MOST_BYTES:
        raise VideoError(
            f"{name} gives no parts of a file, and has {size / 1e6:.0f} MB, more than the"
            f" {MOST_BYTES / 1e6:.0f} MB that are fetched first: download it, and name the file"
        )
    return size
