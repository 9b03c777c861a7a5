"""Many videos, one result file each, so that a long job can be interrupted and taken up again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from movistream.cli.sinks import Sink, as_dictionary
from movistream.errors import OutputError, VideoError
from movistream.output import check_output, replaced_when_done
from movistream.pool import Ended, Item
from movistream.sources import find_videos, is_recorded

_SUFFIX = ".jsonl"
_CHUNK_BYTES = 2**20
_LAST_LINE_BYTES = 4096


@dataclass(frozen=True)
class Job:
    """A video, and where its results go.

    Attributes:
        video: to run on.
        result: JSON lines: what was run on what, then steps, events and notices, then the end.
    """

    video: Path
    result: Path


def find_jobs(sources: Sequence[str], output: Path) -> tuple[Job, ...]:
    """All videos among the sources and below folders among them, by their names below these.

    Raises:
        VideoError: if a folder has no video, or a source has no end.
        OutputError: if two results would have the same name.
    """
    jobs: dict[Path, Job] = {}
    for source in sources:
        if not is_recorded(source) or source == "-":
            raise VideoError(f"{source} is no file; --output-dir takes files and folders of files")
        path = Path(source)
        for video in find_videos(path) if path.is_dir() else (path,):
            name = video.relative_to(path) if path.is_dir() else Path(video.name)
            result = output / name.with_name(name.name + _SUFFIX)
            if result in jobs:
                raise OutputError(
                    f"{video} and {jobs[result].video} would both be written to {result}"
                )
            jobs[result] = Job(video, result)
    return tuple(jobs.values())


def is_finished(job: Job, run: Mapping[str, Any]) -> bool:
    """Whether the result is there and whole, of the video as it is now, and of such a run."""
    try:
        with job.result.open("rb") as file:
            header = json.loads(file.readline())
            file.seek(max(0, job.result.stat().st_size - _LAST_LINE_BYTES))
            footer = json.loads(file.read().splitlines()[-1])
        if not isinstance(header, dict) or header.get("run") != run:
            return False
        return footer.get("end") is not None and header.get("sha256") == _sha256(job.video)
    except (OSError, ValueError, IndexError, AttributeError):
        return False


@contextmanager
def result_files(jobs: Sequence[Job], run: Mapping[str, Any]) -> Iterator[Sink]:
    """Writes each stream's result; one that fails has its error as last line.

    Args:
        run: what tells this run from others: model and options.
    """
    by_stream = {str(job.video): job for job in jobs}
    files: dict[str, IO[str]] = {}
    stacks: dict[str, ExitStack] = {}

    def write(item: Item) -> None:
        found = as_dictionary(item)
        job = by_stream.get(getattr(item, "stream", ""))
        if job is None:
            return
        name = str(job.video)
        if name not in files and (found is not None or isinstance(item, Ended)):
            stacks[name] = ExitStack()
            job.result.parent.mkdir(parents=True, exist_ok=True)
            check_output(job.result)
            part = stacks[name].enter_context(replaced_when_done(job.result))
            files[name] = stacks[name].enter_context(part.open("w", encoding="utf-8"))
            header = {"video": name, "sha256": _sha256(job.video), "run": dict(run)}
            files[name].write(json.dumps(header) + "\n")
        if found is not None:
            del found["source"]
            files[name].write(json.dumps(found) + "\n")
        if isinstance(item, Ended):
            if item.error is None and item.complete:
                files[name].write(json.dumps({"end": {"steps": item.steps}}) + "\n")
            stacks.pop(name).close()
            del files[name]

    try:
        yield write
    finally:
        for stack in stacks.values():
            stack.close()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()
