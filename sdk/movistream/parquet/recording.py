"""From what happens to streams to the rows of a table."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movistream.errors import VideoError
from movistream.parquet.footer import Footer, Run, VideoOutcome
from movistream.parquet.schema import VERSION, RowType, plain_text, video_text
from movistream.parquet.table_file import Row, TableFile
from movistream.sources import is_recorded
from movistream.stream.result import Prediction
from movistream.watch.lane import Ended, Item, Started
from movistream.watch.watcher import Seen, Step


@dataclass
class _Underway:
    """A video that has not ended.

    Attributes:
        since_s: on the clock of :func:`time.monotonic`.
        attempts: how often it was begun, this time included.
    """

    since_s: float
    attempts: int
    fingerprint: str
    started: Started | None = None


class Recorder:
    """Fills a table with what happens to streams, any number of them at a time.

    Attributes:
        outcomes: of the streams that have ended.
    """

    def __init__(self, file: TableFile, run: Run, *, logits: bool = False) -> None:
        self.outcomes: list[VideoOutcome] = []
        self._file = file
        self._run = run
        self._logits = logits
        self._underway: dict[str, _Underway] = {}

    def begin(self, stream: str, fingerprint: str, attempts: int) -> None:
        """Says of a stream that it is about to begin, what nothing that happens to it says.

        Args:
            fingerprint: see :func:`fingerprint_of`.
            attempts: how often it was begun, this time included.
        """
        self._underway[stream] = _Underway(time.monotonic(), attempts, fingerprint)

    def take(self, item: Item) -> None:
        """Takes what happens; notices and frames that nobody looked at make no row.

        Raises:
            OSError: if a row cannot be written.
        """
        if isinstance(item, Started):
            self._of(item.stream).started = item
        elif isinstance(item, Step):
            self._file.add(self._step_row(item))
        elif isinstance(item, Seen):
            if item.event.phase == "end":
                self._file.add(self._event_row(item))
        elif isinstance(item, Ended):
            underway = self._of(item.stream)
            del self._underway[item.stream]
            self._end(item, underway)

    def give_up(self, stream: str, fingerprint: str, attempts: int, reason: str) -> None:
        """Writes the row of a video that is not begun again."""
        error = Ended(stream, 0, 0, False, VideoError(reason), None)
        self._end(error, _Underway(time.monotonic(), attempts, fingerprint))

    def footer(self) -> Footer:
        """Of what there is so far."""
        return footer_of(self._run, self.outcomes)

    def _of(self, stream: str) -> _Underway:
        if stream not in self._underway:
            self.begin(stream, fingerprint_of(stream), 1)
        return self._underway[stream]

    def _end(self, ended: Ended, underway: _Underway) -> None:
        started = underway.started
        interrupted = ended.error is None and not ended.complete
        outcome = VideoOutcome(
            video=video_text(ended.stream),
            fingerprint=underway.fingerprint,
            status="interrupted" if interrupted else "done" if ended.error is None else "error",
            error=None if ended.error is None else plain_text(str(ended.error)),
            attempts=underway.attempts,
            frames=ended.steps,
            seconds=None if started is None else started.seconds,
            ms=(time.monotonic() - underway.since_s) * 1e3,
        )
        row = {
            **self._begun("video", ended.stream),
            **_best(ended.top),
            "is_mean": ended.is_mean,
            "fingerprint": outcome.fingerprint,
            "frames": outcome.frames,
            "seconds": outcome.seconds,
            "frames_per_second": None if started is None else started.frames_per_second,
            "status": outcome.status,
            "error": outcome.error,
            "attempts": outcome.attempts,
            "ms": outcome.ms,
        }
        self._file.add(row)
        self.outcomes.append(outcome)

    def _begun(self, kind: RowType, stream: str) -> dict[str, Any]:
        return {"type": kind, "run": self._run.id, "video": video_text(stream)}

    def _step_row(self, step: Step) -> Row:
        row = {
            **self._begun("step", step.stream),
            **_best(step.top),
            "frame": step.result.frame,
            "time_s": step.time_s,
            "captured_at": step.at,
            "warming_up": step.result.warming_up,
        }
        return {**row, "logits": step.result.logits} if self._logits else row

    def _event_row(self, seen: Seen) -> Row:
        event = seen.event
        return {
            **self._begun("event", seen.stream),
            "captured_at": event.started_at,
            "start_s": event.start_s,
            "end_s": event.end_s,
            "label": plain_text(event.label),
            "score": event.peak_score,
        }


def footer_of(run: Run, outcomes: Iterable[VideoOutcome]) -> Footer:
    """The footer of a table in which these videos are."""
    return Footer(VERSION, run, tuple(outcomes))


def fingerprint_of(name: str) -> str:
    """What tells whether a file has changed, without reading it: its size and its time of change.

    It is empty where there is no such file, or it cannot be looked at.
    """
    return fingerprint_by(Path(name).stat) if is_recorded(name) else ""


def fingerprint_by(look: Callable[[], os.stat_result]) -> str:
    """The same, by what looks at the file, and raises where it cannot."""
    try:
        status = look()
    except (OSError, ValueError):
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _best(top: tuple[Prediction, ...]) -> dict[str, Any]:
    """The best class by itself, and all that are named."""
    entries = [
        {"index": entry.index, "label": plain_text(entry.label), "score": entry.score}
        for entry in top
    ]
    best = entries[0] if entries else {"label": None, "score": None}
    return {"label": best["label"], "score": best["score"], "top": entries}
