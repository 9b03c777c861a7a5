"""The folder of an archive: which shards are in it, and what they say of themselves.

Nothing else keeps track of how far an archive is. A shard is whole or not there, and its footer
says what came of each video, so that whatever was interrupted, footers tell what is left to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from movistream.archive.plan import Shard, Video
from movistream.errors import OutputError
from movistream.parquet.footer import Footer, Run
from movistream.parquet.table_file import read_footer, rewrite
from movistream.system.leftovers import remove_leftovers
from movistream.system.output import make_output_folder
from movistream.system.portable import lock
from movistream.system.text import printable

_PREFIX, _SUFFIX = "shard-", ".parquet"
_LOCK = ".lock"
_ATTEMPTS = ".attempts"


@dataclass(frozen=True)
class Written:
    """A shard that is finished.

    Attributes:
        path: of its file.
        footer: of it.
    """

    path: Path
    footer: Footer


@dataclass(frozen=True)
class Archive:
    """What is in a folder.

    Attributes:
        shards: that are whole, of all runs, by their names.
        damaged: files that have a shard's name, and are none.
    """

    shards: tuple[Written, ...]
    damaged: tuple[Path, ...]


@dataclass(frozen=True)
class Standing:
    """How far a run is.

    Attributes:
        left: videos that are not finished, in their order.
        finished: videos that are.
        failed: of these, those whose outcome is an error.
        outdated: of shards, the names of videos whose rows are to go: they are in another shard
            too, or are to be watched again, because their file has changed or somebody asks for it.
    """

    left: tuple[Video, ...]
    finished: int
    failed: int
    outdated: Mapping[Path, frozenset[str]]


def shard_path(folder: Path, shard: Shard) -> Path:
    """Where a shard is written."""
    return folder / f"{_PREFIX}{shard.name}{_SUFFIX}"


def run_in_name(path: Path) -> str:
    """The run that a shard's name tells, so that nobody has to open it."""
    return path.name.removeprefix(_PREFIX).partition("-")[0]


def attempts_folder(folder: Path) -> Path:
    """Where an archive's ledger is kept."""
    return folder / _ATTEMPTS


def shard_files(folder: Path) -> tuple[Path, ...]:
    """The files that are called as shards are, by their names.

    Raises:
        OutputError: if the folder cannot be read.
    """
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise OutputError(f"cannot read the archive {folder}: {error.strerror}") from None
    return tuple(
        folder / name
        for name in sorted(names)
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX)
    )


def read_archive(folder: Path) -> Archive:
    """Reads the footers of all shards, and nothing else of them.

    Raises:
        OutputError: if the folder or a file in it cannot be read, or is of another version.
        MissingExtraError: if pyarrow is not installed.
    """
    footers = {path: read_footer(path) for path in shard_files(folder)}
    return Archive(
        tuple(Written(path, footer) for path, footer in footers.items() if footer is not None),
        tuple(path for path, footer in footers.items() if footer is None),
    )


def check_run(archive: Archive, folder: Path, run: Run) -> None:
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
                f"{folder} holds another run (of another {told}); name another folder, or"
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
    outdated: dict[Path, frozenset[str]] = {}
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
            outdated[shard.path] = frozenset(to_go)
    left = tuple(video for text, video in wanted.items() if text not in finished)
    return Standing(left, len(finished), sum(finished.values()), outdated)


def mend(folder: Path, archive: Archive, outdated: Mapping[Path, frozenset[str]]) -> None:
    """Removes what is damaged, left over or outdated, so that what stays is right.

    Raises:
        OutputError: if something cannot be removed, or a shard not be written without it.
    """
    remove_leftovers(folder)
    for path in archive.damaged:
        _remove(path)
    for shard in archive.shards:
        to_go = outdated.get(shard.path, frozenset())
        if not to_go:
            continue
        stay = tuple(video for video in shard.footer.videos if video.video not in to_go)
        if stay:
            names = {video.video for video in stay}
            rewrite(shard.path, replace(shard.footer, videos=stay), names.__contains__)
        else:
            _remove(shard.path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror}") from None


@contextmanager
def opened(folder: Path) -> Iterator[None]:
    """Makes the folder where there is none, and keeps it to this process.

    Raises:
        OutputError: if it cannot be written, or another process has it.
    """
    make_output_folder(folder)
    path = folder / _LOCK
    try:
        file: Any = path.open("ab")
    except OSError as error:
        raise OutputError(f"cannot write in {folder}: {error.strerror}") from None
    with file:
        try:
            lock(file.fileno(), wait=False)
        except BlockingIOError:
            raise OutputError(
                f"another process is at work on the archive {folder}; wait for it, or end it"
            ) from None
        except OSError:
            # A file system without locks: then nobody can tell.
            pass
        try:
            yield
        finally:
            # It stays while something is in it.
            with suppress(OSError):
                attempts_folder(folder).rmdir()
