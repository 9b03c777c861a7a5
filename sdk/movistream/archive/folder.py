"""The folder of an archive: which shards are in it, and what they say of themselves.

Nothing else keeps track of how far an archive is. A shard is whole or not there, and its footer
says what came of each video, so that whatever was interrupted, footers tell what is left to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from movistream.archive.plan import Shard, Video
from movistream.archive.store import Store
from movistream.errors import OutputError
from movistream.parquet.footer import Footer, Run
from movistream.parquet.table_file import footer_size, read_footer, rewrite
from movistream.system.text import printable

_PREFIX, _SUFFIX = "shard-", ".parquet"

_TAIL_BYTES = 1 << 16
"""Of a file, in which its footer is, mostly; longer ones are read once more."""


@dataclass(frozen=True)
class Written:
    """A shard that is finished.

    Attributes:
        name: of its file.
        footer: of it.
    """

    name: str
    footer: Footer


@dataclass(frozen=True)
class Archive:
    """What is in a folder.

    Attributes:
        shards: that are whole, of all runs, by their names.
        damaged: names of files that are called as shards are, and are none.
    """

    shards: tuple[Written, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """How far a run is.

    Attributes:
        left: videos that are not finished, in their order.
        finished: videos that are.
        failed: of these, those whose outcome is an error.
        outdated: by the names of shards' files, the names of videos whose rows are to go: they are
            in another shard too, or are to be watched again, because their file has changed or
            somebody asks for it.
    """

    left: tuple[Video, ...]
    finished: int
    failed: int
    outdated: Mapping[str, frozenset[str]]


def file_name(shard: Shard) -> str:
    """Of a shard."""
    return f"{_PREFIX}{shard.name}{_SUFFIX}"


def run_in_name(name: str) -> str:
    """The run that a shard's file name tells, so that nobody has to open it."""
    return name.removeprefix(_PREFIX).partition("-")[0]


def shard_files(store: Store) -> tuple[str, ...]:
    """The names of the files that are called as shards are, in order.

    Raises:
        OutputError: if the folder cannot be read.
    """
    return tuple(
        name for name in store.names() if name.startswith(_PREFIX) and name.endswith(_SUFFIX)
    )


def read_archive(store: Store) -> Archive:
    """Reads the footers of all shards, and nothing else of them.

    Raises:
        OutputError: if the folder or a file in it cannot be read, or is of another version.
        MissingExtraError: if pyarrow is not installed.
    """
    names = shard_files(store)
    tails = store.tails(names, _TAIL_BYTES)
    footers = {name: _footer(store, name, tail) for name, tail in zip(names, tails, strict=True)}
    return Archive(
        tuple(Written(name, footer) for name, footer in footers.items() if footer is not None),
        tuple(name for name, footer in footers.items() if footer is None),
    )


def _footer(store: Store, name: str, tail: bytes) -> Footer | None:
    size = footer_size(tail)
    if size > len(tail):
        (tail,) = store.tails([name], size)
    return read_footer(tail, f"{store.title}/{name}")


def check_run(archive: Archive, store: Store, run: Run) -> None:
    """Refuses a folder in which another run is.

    Raises:
        OutputError: if there is one; it says in what they differ.
    """
    for shard in archive.shards:
        other = shard.footer.run
        if other.id != run.id:
            names = {*run.made_of, *other.made_of}
            differing = sorted(
                name for name in names if run.made_of.get(name) != other.made_of.get(name)
            )
            told = printable(", ".join(differing))
            raise OutputError(
                f"{store.title} holds another run (of another {told}); name another folder, or"
                " add --beside to keep both in it"
            )


def standing(
    archive: Archive, run: Run, videos: Sequence[Video], *, retry: bool = False
) -> Standing:
    """What of the videos is finished, by the footers of this run.

    A video is finished if its file is as it was, or is not there any more, whatever came of it.

    Args:
        retry: videos that have failed count as unfinished.
    """
    wanted = {video.text: video for video in videos}
    finished: dict[str, bool] = {}
    seen: set[str] = set()
    outdated: dict[str, frozenset[str]] = {}
    for shard in archive.shards:
        if shard.footer.run.id != run.id:
            continue
        to_go: set[str] = set()
        for outcome in shard.footer.videos:
            video, has_failed = wanted.get(outcome.video), outcome.status == "error"
            changed = video is not None and video.fingerprint not in ("", outcome.fingerprint)
            again = video is not None and (changed or (retry and has_failed))
            if again or outcome.video in seen:
                to_go.add(outcome.video)
                continue
            seen.add(outcome.video)
            if video is not None:
                finished[outcome.video] = has_failed
        if to_go:
            outdated[shard.name] = frozenset(to_go)
    left = tuple(video for text, video in wanted.items() if text not in finished)
    return Standing(left, len(finished), sum(finished.values()), outdated)


def mend(store: Store, archive: Archive, outdated: Mapping[str, frozenset[str]]) -> None:
    """Removes what is damaged or outdated, so that what stays is right.

    Raises:
        OutputError: if something cannot be removed, or a shard not be written without it.
    """
    for name in archive.damaged:
        store.remove(name)
    for shard in archive.shards:
        to_go = outdated.get(shard.name, frozenset())
        if not to_go:
            continue
        stay = tuple(video for video in shard.footer.videos if video.video not in to_go)
        if not stay:
            store.remove(shard.name)
            continue
        names = {video.video for video in stay}
        with store.opened(shard.name) as file, store.replaced(shard.name) as part:
            rewrite(file, part, replace(shard.footer, videos=stay), names.__contains__)
