"""How often each video was begun and its process did not live to see its end.

Marks are empty files, made before a video is begun and removed behind it by the process that
watches, so that they are right whoever dies. A mark says too which call of the command was at work:
when that was killed itself, or lost its machine, the video had no part in it, mostly.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from movistream.archive.plan import Video
from movistream.archive.store import Store
from movistream.parquet.footer import Run

MOST_DEATHS = 2
"""A video at which so many processes have died in one call is not begun again."""

_MOST_DEATHS_IN_ALL = 5
"""Nor is one at which so many have died in calls that did not come to their end themselves."""

_FOLDER = ".attempts"


@dataclass(frozen=True)
class Deaths:
    """Processes that died at a video.

    Attributes:
        now: in this call.
        in_all: in all calls since its shard was last finished.
    """

    now: int
    in_all: int

    @property
    def are_too_many(self) -> bool:
        """Whether the video is not to be begun again."""
        return self.now >= MOST_DEATHS or self.in_all >= _MOST_DEATHS_IN_ALL


@dataclass(frozen=True)
class _Mark:
    """A mark's name: whose it is, which call made it, and how many there were before."""

    key: str
    call: str
    number: int

    @property
    def name(self) -> str:
        return f"{_FOLDER}/{self.key}.{self.call}.{self.number}"


class Ledger:
    """The marks of a run, kept beside its shards.

    All methods raise :class:`.OutputError` where marks cannot be read, made or removed.
    """

    def __init__(self, store: Store, run: Run, call: str) -> None:
        """Touches nothing yet.

        Args:
            call: of the command; letters and digits that no other call has.
        """
        self._store = store
        self._run = run
        self._call = call

    def deaths(self, videos: Iterable[Video]) -> dict[Video, Deaths]:
        """How many processes have died at videos."""
        calls: dict[str, Counter[str]] = defaultdict(Counter)
        for mark in self._marks():
            calls[mark.key][mark.call] += 1
        found = {video: calls.get(self._key(video), Counter[str]()) for video in videos}
        return {video: Deaths(by[self._call], by.total()) for video, by in found.items()}

    @contextmanager
    def attempt(self, video: Video, deaths: Deaths) -> Iterator[None]:
        """Around the watching of a video: counts as a death unless the block is left."""
        mark = _Mark(self._key(video), self._call, deaths.in_all)
        self._store.touch(mark.name)
        try:
            yield
        finally:
            self._store.remove(mark.name)

    def forget(self, videos: Iterable[Video]) -> None:
        """Removes all marks of videos whose shard is written."""
        keys = {self._key(video) for video in videos}
        self._remove(lambda mark: mark.key in keys)

    def forgive(self, videos: Iterable[Video]) -> None:
        """Removes the marks that this call made of videos, as it ends their watching itself."""
        keys = {self._key(video) for video in videos}
        self._remove(lambda mark: mark.key in keys and mark.call == self._call)

    def forget_all(self) -> None:
        """Removes what is left when nothing is left to do, as of videos that are gone."""
        self._remove(lambda _: True)

    def _remove(self, goes: Callable[[_Mark], bool]) -> None:
        for mark in filter(goes, self._marks()):
            self._store.remove(mark.name)

    def _marks(self) -> Iterator[_Mark]:
        for name in self._store.names(_FOLDER):
            key, call, number = f"{name}..".split(".")[:3]
            if number.isdecimal():
                yield _Mark(key, call, int(number))

    def _key(self, video: Video) -> str:
        text = f"{self._run.id}\0{video.text}\0{video.fingerprint}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]
