"""How often each video was begun and its process did not live to see its end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from movistream.archive.plan import Video
from movistream.errors import OutputError
from movistream.parquet.footer import Run

MOST_DEATHS = 2
"""A video at which so many processes have died is not begun again."""


class Ledger:
    """Files with a byte for each beginning without an end; a video without a file has none.

    It is kept by the process that watches, so that it is right whoever dies.
    """

    def __init__(self, folder: Path, run: Run) -> None:
        """Makes the folder.

        Raises:
            OutputError: if it cannot be made.
        """
        self._folder = folder
        self._run = run
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(folder, error) from None

    def deaths(self, video: Video) -> int:
        """How many processes have died at a video, since its shard was last finished.

        Raises:
            OutputError: if that cannot be read.
        """
        path = self._path(video)
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise _failed(path, error) from None

    @contextmanager
    def attempt(self, video: Video) -> Iterator[None]:
        """Around the watching of a video: counts as a death unless the block is left.

        Raises:
            OutputError: if that cannot be written.
        """
        before, path = self.deaths(video), self._path(video)
        try:
            with path.open("ab") as file:
                file.write(b"x")
        except OSError as error:
            raise _failed(path, error) from None
        try:
            yield
        finally:
            with suppress(OSError):
                if before:
                    with path.open("r+b") as file:
                        file.truncate(before)
                else:
                    path.unlink()

    def forget(self, videos: Iterable[Video]) -> None:
        """Lets go of videos whose shard is written, and says how often they were begun."""
        for video in videos:
            with suppress(OSError):
                self._path(video).unlink(missing_ok=True)

    def _path(self, video: Video) -> Path:
        text = f"{self._run.id}\0{video.text}\0{video.fingerprint}"
        return self._folder / hashlib.sha256(text.encode()).hexdigest()[:32]


def _failed(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot keep count of attempts in {path}: {error.strerror}")
