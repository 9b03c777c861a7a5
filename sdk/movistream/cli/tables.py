"""Tables of what was said: a row per frame, and a row per source."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from movistream.cli.sinks import Sink
from movistream.parquet.footer import Run
from movistream.parquet.recording import Recorder
from movistream.parquet.table_file import table_file
from movistream.system.output import replaced_when_done
from movistream.system.text import cell
from movistream.watch.lane import Item, Started
from movistream.watch.watcher import Passed

Line = Mapping[str, Any]
Table = Callable[[str, Line], None]
"""Takes a source's name and a line of its results, in order."""


@contextmanager
def frame_table(path: Path, top: int) -> Iterator[Table]:
    """Writes a row per frame, as CSV, with so many best classes."""
    classes = [f"{name}_{rank}" for rank in range(1, top + 1) for name in ("label", "score")]
    columns = ["source", "frame", "time_s", "preprocess_ms", "inference_ms", "latency_ms", *classes]
    with _rows(path, columns) as write:

        def take(source: str, line: Line) -> None:
            if line["type"] == "step":
                row = [source, line["frame"], f"{line['time_s']:.4f}"]
                row += [f"{line[name]:.3f}" for name in ("preprocess_ms", "inference_ms")]
                row += [f"{line['latency_ms']:.3f}" if "latency_ms" in line else ""]
                for entry in () if line.get("warming_up") else line["top"]:
                    row += [entry["label"], f"{entry['score']:.6f}"]
                write(row)

        yield take


@contextmanager
def clip_table(path: Path, *, finds_events: bool) -> Iterator[Table]:
    """Writes a row per source when it ends, as CSV: the answer, events, frames, what went wrong.

    Args:
        path: of the table.
        finds_events: whether events are looked for; if not, their number stays empty.
    """
    events: dict[str, int] = {}
    with _rows(path, ["source", "label", "score", "events", "frames", "error"]) as write:

        def take(source: str, line: Line) -> None:
            if line["type"] == "event" and line["phase"] == "end":
                events[source] = events.get(source, 0) + 1
            elif line["type"] in ("end", "error"):
                answer = [[entry["label"], f"{entry['score']:.6f}"] for entry in line["top"][:1]]
                count = events.pop(source, 0) if finds_events else ""
                row = [source, *(answer or [["", ""]])[0], count, line["steps"]]
                write([*row, line.get("reason", "")])

        yield take


@contextmanager
def parquet_table(path: Path, run: Run) -> Iterator[Sink]:
    """Writes a row per frame, per event and per source, as Parquet."""
    with replaced_when_done(path) as part, table_file(part) as file:
        recorder = Recorder(file, run)
        yield recorder.take
        file.finish(recorder.footer())


def filled(table: Table) -> Sink:
    """What fills a table with what happens."""

    def take(item: Item) -> None:
        if not isinstance(item, (Passed, Started)):
            table(item.stream, item.to_dict())

    return take


@contextmanager
def _rows(path: Path, columns: list[str]) -> Iterator[Callable[[list[Any]], None]]:
    """Writes rows; texts that a spreadsheet would calculate have a ' before them."""
    with (
        replaced_when_done(path) as part,
        part.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        yield lambda row: writer.writerow(
            [cell(value) if isinstance(value, str) else value for value in row]
        )
