"""Moments in Time's CSV: a row per clip; no line with the names of the columns.

A row is ``path,label,agreement,disagreement``: the clip's path in the folder of its split, its
class, and how many people did and did not agree (``README.txt`` of http://moments.csail.mit.edu/).
``moments_categories.txt`` has a class a line, with its number: ``adult+female+singing,0``.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from movistream.sources import VIDEO_SUFFIXES
from movistream_training.annotations.classes import numbered_classes
from movistream_training.annotations.published import (
    AnnotatedVideo,
    Annotations,
    Options,
    RowError,
    check_class,
    name_of,
    shortened,
)
from movistream_training.annotations.reading import Faults, rows_of
from movistream_training.recordings.moments import Moment

_FIELDS = range(2, 5)
_CATEGORY = re.compile(r"((.+?))(?:,\s*[0-9]+)?", re.ASCII)


def read(path: Path, options: Options, faults: Faults) -> Annotations:
    """Reads Moments in Time's annotations.

    Raises:
        TrainingError: if a file cannot be read.
    """
    known = None if options.classes is None else numbered_classes(options.classes, _CATEGORY)
    videos: dict[str, AnnotatedVideo] = {}
    for line, row in rows_of(path):
        name = _without_suffix(row[0].strip())
        with faults.at(f"line {line}", name or None):
            name_of(row[0], "a path")
            if len(row) not in _FIELDS:
                raise RowError(
                    f"it has {len(row)} values, and rows have 4: path, label and two counts"
                )
            if name in videos:
                raise RowError(f"the clip {name} was there before")
            label = name_of(row[1], "a label")
            check_class(label, known)
            if not all(count.strip().isdecimal() for count in row[2:]):
                raise RowError(f"{shortened(', '.join(row[2:]))} are no counts of people")
            videos[name] = AnnotatedVideo((name,), (Moment(label),))
    told = {moment.label for video in videos.values() for moment in video.moments}
    return Annotations(tuple(known or sorted(told)), tuple(videos.values()))


def _without_suffix(path: str) -> str:
    parts = PurePosixPath(path)
    return str(parts.with_suffix("")) if parts.suffix.lower() in VIDEO_SUFFIXES else path
