"""AVA's CSV: a row per person, second and action; no line with the names of the columns.

A row is ``video_id,middle_frame_timestamp,x1,y1,x2,y2,action_id,person_id``
(https://research.google.com/ava/download.html); one with the first two alone is a second in which
nothing happens. A row stands for the second around its time, whoever does it and wherever; seconds
of a class that touch are one moment. The classes' names are in a text of protocol buffers
(``ava_action_list_v2.2.pbtxt``); without it, a class is called by its number.

AVA looks at each video from 902 to 1798 s. Where a file has other times, a video counts as looked
at from its first time to its last. The seconds of ``ava_train_excluded_timestamps_v2.2.csv``
(``video_id,timestamp``) count as not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from movistream_training.annotations.classes import checked_classes
from movistream_training.annotations.published import (
    AnnotatedVideo,
    Annotations,
    Options,
    RowError,
    check_class,
    in_order,
    name_of,
    seconds_of,
    shortened,
)
from movistream_training.annotations.reading import Faults, rows_of, text_of
from movistream_training.errors import TrainingError
from movistream_training.recordings.moments import Moment

FIRST_S, LAST_S = 902.0, 1798.0
"""The times at which AVA looks at a video, one a second."""

_HALF_S = 0.5
_FIELDS = (2, 7, 8)
_CLASS_AT = 6
_SAME_S = 1e-6

_ITEM = re.compile(r"\s*(?:label|item)\s*\{([^{}]*)\}\s*", re.ASCII)
_NAME = re.compile(r"""(?<!\w)name\s*:\s*(?:"([^"\\]*)"|'([^'\\]*)')""", re.ASCII)
_NUMBER = re.compile(r"(?<!\w)(?:label_)?id\s*:\s*([0-9]{1,9})(?!\w)", re.ASCII)
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


@dataclass
class _Seconds:
    """Of a video: all that were looked at, and those of each class."""

    looked_at: set[float] = field(default_factory=set)
    of_classes: dict[str, set[float]] = field(default_factory=dict)


def read(path: Path, options: Options, faults: Faults) -> Annotations:
    """Reads annotations of AVA's form.

    Raises:
        TrainingError: if a file cannot be read, or one of excluded seconds has a bad row.
    """
    names = None if options.classes is None else read_label_map(options.classes)
    excluded = {} if options.excluded is None else _excluded(options.excluded)
    seconds: dict[str, _Seconds] = {}
    rows: set[str] = set()
    for line, row in rows_of(path):
        video = row[0].strip()
        with faults.at(f"line {line}", video or None):
            name_of(video, "a video")
            own = seconds.setdefault(video, _Seconds())
            if len(row) not in _FIELDS:
                raise RowError(f"it has {len(row)} values, and rows have 8 (7 without a person, 2)")
            time_s = seconds_of(row[1])
            whole = ",".join(row)
            if whole in rows:
                raise RowError("the same row was there before")
            rows.add(whole)
            own.looked_at.add(time_s)
            if len(row) > _CLASS_AT:
                code = _class(row[_CLASS_AT], names)
                own.of_classes.setdefault(code, set()).add(time_s)
    codes = {code for one in seconds.values() for code in one.of_classes}
    labels = (
        {code: code for code in sorted(codes, key=lambda code: (len(code), code))}
        if names is None
        else names
    )
    every = [time_s for one in seconds.values() for time_s in one.looked_at]
    avas = all(FIRST_S <= time_s <= LAST_S for time_s in every)
    videos = tuple(
        AnnotatedVideo(
            (video,),
            _moments(own, labels, excluded.get(video, ())),
            parts=_parts(own, excluded.get(video, ()), avas=avas),
        )
        for video, own in seconds.items()
        if own.looked_at
    )
    return Annotations(tuple(labels.values()), tuple(v for v in videos if v.parts))


def read_label_map(path: Path) -> dict[str, str]:
    """Names of classes by their numbers, in the file's order.

    Raises:
        TrainingError: if it cannot be read, or is no label map.
    """
    text = _COMMENT.sub("", text_of(path))
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        item = _ITEM.match(text, at)
        name, number = (part.search(item[1]) if item else None for part in (_NAME, _NUMBER))
        if item is None or name is None or number is None:
            line = text.count("\n", 0, at) + 1
            raise TrainingError(
                f"{path} is no label map: at line {line} there is no item such as"
                ' label { name: "sit" label_id: 11 }'
            )
        found.append((str(int(number[1])), name[1] or name[2] or ""))
        at = item.end()
    return checked_classes(path, found)


def _class(text: str, names: dict[str, str] | None) -> str:
    code = text.strip()
    if not (code.isascii() and code.isdecimal() and len(code) < 10):
        raise RowError(f"{shortened(text)} is no number of a class")
    code = str(int(code))
    check_class(code, names)
    return code


def _excluded(path: Path) -> dict[str, set[float]]:
    """Seconds by videos."""
    faults, found = Faults(path), dict[str, set[float]]()
    for line, row in rows_of(path):
        with faults.at(f"line {line}"):
            if len(row) != 2:
                raise RowError(f"it has {len(row)} values, and rows have 2")
            found.setdefault(name_of(row[0], "a video"), set()).add(seconds_of(row[1]))
    faults.check(skip=False)
    return found


def _moments(
    own: _Seconds, labels: dict[str, str], excluded: Collection[float]
) -> tuple[Moment, ...]:
    return in_order(
        [
            Moment(labels[code], start_s, end_s)
            for code, times_s in own.of_classes.items()
            for start_s, end_s in _joined(times_s.difference(excluded))
        ]
    )


def _parts(
    own: _Seconds, excluded: Collection[float], *, avas: bool
) -> tuple[tuple[float, float], ...]:
    """What was looked at, without the excluded seconds."""
    first_s, last_s = (FIRST_S, LAST_S) if avas else (min(own.looked_at), max(own.looked_at))
    start_s, end_s = max(0.0, first_s - _HALF_S), last_s + _HALF_S
    parts = []
    for out_s, in_s in _joined(excluded):
        if out_s > start_s:
            parts.append((start_s, min(out_s, end_s)))
        start_s = max(start_s, in_s)
    parts.append((start_s, end_s))
    return tuple((s, e) for s, e in parts if s < e)


def _joined(times_s: Iterable[float]) -> list[tuple[float, float]]:
    """The seconds around some times, those that touch as one span."""
    spans: list[tuple[float, float]] = []
    for time_s in sorted(times_s):
        start_s, end_s = max(0.0, time_s - _HALF_S), time_s + _HALF_S
        if spans and start_s <= spans[-1][1] + _SAME_S:
            start_s = spans.pop()[0]
        spans.append((start_s, end_s))
    return spans
