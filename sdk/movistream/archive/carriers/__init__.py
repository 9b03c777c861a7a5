"""Who watches the shards of an archive: a carrier brings them to workers, and tells what became.

A carrier is a function of the work, which all workers are told once, and of what gives the next
shard, or None while there is none. It ends when there is none and it has none any more. Its
workers make a :class:`.work.Ready` of the work, and call :func:`.work.watch_shard`; that writes
the results, so that nothing but the words below has to come back. A carrier repeats nothing and
loses no sleep over what dies: it says that a shard is lost, and gets it again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from movistream.archive.plan import Shard
from movistream.archive.work import Work
from movistream.parquet.footer import VideoOutcome


@dataclass(frozen=True)
class Watched:
    """A video of a shard has been watched, which is not written yet; carriers need not tell it."""

    shard: Shard
    outcome: VideoOutcome


@dataclass(frozen=True)
class Finished:
    """A shard is written."""

    shard: Shard
    outcomes: tuple[VideoOutcome, ...]


@dataclass(frozen=True)
class Lost:
    """Who watched a shard has died; the reason is a few words."""

    shard: Shard
    reason: str


@dataclass(frozen=True)
class Told:
    """A worker has something to tell people."""

    text: str


News = Watched | Finished | Lost | Told
Carrier = Callable[[Work, Callable[[], Shard | None]], Generator[News, None, None]]
"""Raises MovistreamError where a worker cannot work at all, as when it cannot write."""


@dataclass(frozen=True)
class Crew:
    """Workers that are ready to be hired.

    Attributes:
        carry: brings shards to them.
        workers: how many there are, at least 1.
    """

    carry: Carrier
    workers: int
