"""Many videos, one result file each, so that a long job can be interrupted and taken up again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movistream.cli.sinks import Sink
from movistream.cli.tables import Table
from movistream.errors import OutputError, VideoError
from movistream.sources import IMAGE_SUFFIXES, find_videos, is_recorded, public_name
from movistream.system.leftovers import remove_leftovers
from movistream.system.output import check_output, make_output_folder, replaced_when_done
from movistream.watch.lane import Ended, Item, Started
from movistream.watch.pool import stream_names
from movistream.watch.vocabulary import line
from movistream.watch.watcher import Passed

_SUFFIX = ".jsonl"
_CHUNK_BYTES = 2**20
_LAST_LINE_BYTES = 2**20


@dataclass(frozen=True)
class Job:
    """A video, and where its results go.

    Attributes:
        video: to run on.
        result: JSON lines: what was run on what, then what ``movistream run --json`` prints.
    """

    video: Path
    result: Path


def find_jobs(sources: Sequence[str], output: Path) -> tuple[Job, ...]:
    """All videos among the sources and below folders among them, by their names below these.

    The folder for the results is made; what killed runs left over there is removed.

    Raises:
        VideoError: if a folder has no video, or a source has no end.
        OutputError: if two results would have the same name, or the folder cannot be written.
    """
    jobs: dict[Path, Job] = {}
    for source in sources:
        if not is_recorded(source) or source == "-":
            raise VideoError(
                f"{public_name(source)} is no file; --output-dir takes files and folders of files"
            )
        path = Path(source)
        for video in find_videos(path) if path.is_dir() else (path,):
            name = video.relative_to(path) if path.is_dir() else Path(video.name)
            result = output / name.with_name(name.name + _SUFFIX)
            if result in jobs:
                raise OutputError(
                    f"{video} and {jobs[result].video} would both be written to {result}"
                )
            jobs[result] = Job(video, result)
    make_output_folder(output)
    for folder in {job.result.parent for job in jobs.values()}:
        remove_leftovers(folder)
    return tuple(jobs.values())


def with_videos_of_folders(sources: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Sources in which each folder of videos is replaced by its videos, and what to tell of it.

    A folder of images stays: it is one video. So does one that holds more images than videos, of
    which nobody knows what it is; opening it says so.
    """
    found: list[str] = []
    notes: list[str] = []
    for source in sources:
        path = Path(source)
        videos = _videos_below(path) if is_recorded(source) and path.is_dir() else ()
        images = _images_in(path) if videos else 0
        if not videos or images > len(videos):
            found.append(source)
            continue
        left = f", and leaves {images} images out" if images else ""
        notes.append(
            f"{source} holds {len(videos)} videos: this runs each{left}; --output-dir keeps results"
        )
        found += map(str, videos)
    return tuple(found), notes


def _videos_below(folder: Path) -> tuple[Path, ...]:
    try:
        return find_videos(folder)
    except VideoError:
        return ()


def _images_in(folder: Path) -> int:
    return sum(file.suffix.lower() in IMAGE_SUFFIXES for file in folder.iterdir())


def check_results(jobs: Sequence[Job], run: Mapping[str, Any]) -> None:
    """Refuses to write over what is no result of such a run.

    Raises:
        OutputError: if there is such a file.
    """
    for job in jobs:
        if job.result.is_file() and _header(job).get("run") != run:
            raise OutputError(
                f"{job.result} exists, and is of another model, of other options or of something"
                " else; name another folder, or add --force to replace it"
            )


def _header(job: Job) -> Mapping[str, Any]:
    """The first line of a result; empty where there is none."""
    try:
        with job.result.open("rb") as file:
            header = json.loads(file.readline())
    except (OSError, ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def is_finished(job: Job, run: Mapping[str, Any]) -> bool:
    """Whether the result is there and whole, of the video as it is now, and of such a run."""
    header = _header(job)
    if header.get("run") != run:
        return False
    try:
        with job.result.open("rb") as file:
            file.seek(max(0, job.result.stat().st_size - _LAST_LINE_BYTES))
            footer = json.loads(file.read().splitlines()[-1])
        same = header["sha256"] == _sha256(job.video)
        return bool(same and footer["type"] == "end")
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


@contextmanager
def result_files(
    jobs: Sequence[Job], run: Mapping[str, Any], on_failure: Callable[[str, OutputError], None]
) -> Iterator[Sink]:
    """Writes each stream's result; one that fails has its error as last line.

    What was interrupted is left out, so that an earlier result stays.

    Args:
        run: what tells this run from others: model and options.
        on_failure: takes a video's name, and why its result cannot be written.
    """
    by_stream = dict(zip(stream_names([job.video for job in jobs]), jobs, strict=True))
    opened: dict[str, _ResultFile] = {}
    given_up: set[str] = set()

    def write(item: Item) -> None:
        name = getattr(item, "stream", "")
        if isinstance(item, (Passed, Started)) or name not in by_stream or name in given_up:
            return
        whole = isinstance(item, Ended) and (item.complete or item.error is not None)
        try:
            if isinstance(item, Ended) and not whole:
                if name in opened:
                    opened.pop(name).close(keep=False)
                return
            if name not in opened:
                opened[name] = _ResultFile(by_stream[name], run)
            found = item.to_dict()
            del found["source"]
            opened[name].add(found)
            if whole:
                opened.pop(name).close(keep=True)
        except OutputError as error:
            given_up.add(name)
            if name in opened:
                opened.pop(name).close(keep=False)
            on_failure(name, error)

    try:
        yield write
    finally:
        for file in opened.values():
            file.close(keep=False)


def fill_from_results(tables: Sequence[Table], jobs: Sequence[Job], run: Mapping[str, Any]) -> None:
    """Fills tables with the results of all jobs, whenever they were run.

    Args:
        run: see :func:`result_files`.

    Raises:
        OutputError: if a job has no result of such a run, or it cannot be read.
    """
    for job in jobs:
        try:
            with job.result.open(encoding="utf-8") as file:
                if json.loads(file.readline())["run"] != run:
                    raise OutputError(f"{job.video} has no result yet: the tables are not written")
                for text in file:
                    found = json.loads(text)
                    for fill in tables:
                        fill(str(job.video), found)
        except FileNotFoundError:
            raise OutputError(f"{job.video} has no result: the tables are not written") from None
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise OutputError(
                f"cannot read {job.result} ({error}); remove it, and run the same again"
            ) from None


class _ResultFile:
    """One video's result on its way."""

    def __init__(self, job: Job, run: Mapping[str, Any]) -> None:
        self._stack = ExitStack()
        try:
            job.result.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write {job.result}: {error.strerror}") from None
        check_output(job.result)
        part = self._stack.enter_context(replaced_when_done(job.result))
        self._file = self._stack.enter_context(part.open("w", encoding="utf-8"))
        self._path = job.result
        header = line("start", str(job.video))
        self.add({**header, "sha256": _sha256(job.video), "run": dict(run)})

    def add(self, found: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(found) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from None

    def close(self, *, keep: bool) -> None:
        """Puts the file into its place, or drops it."""
        if keep:
            self._stack.close()
        else:
            with suppress(_DroppedError), self._stack:
                raise _DroppedError


class _DroppedError(Exception):
    """Ends the writing of a file that is not to be kept."""


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()
