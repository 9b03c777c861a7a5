"""Kinetics' CSV: a row per clip of ten seconds.

Its columns are ``label,youtube_id,time_start,time_end,split`` and perhaps ``is_cc``
(https://github.com/cvdfoundation/kinetics-dataset). Clips are called by their id and, mostly, from
when to when they are cut, ``{id}_{start:06d}_{end:06d}``, in folders of their classes or not. A
file that is called by its id alone counts as the clip too.
"""

from __future__ import annotations

from pathlib import Path

from movistream.file.labels import read_labels
from movistream_training.annotations.published import (
    AnnotatedVideo,
    Annotations,
    Options,
    RowError,
    check_class,
    moment_of,
    name_of,
    split_of,
)
from movistream_training.annotations.reading import Faults, columns_of
from movistream_training.recordings.moments import Moment

_NEEDED = ("label", "youtube_id", "time_start", "time_end")


def read(path: Path, options: Options, faults: Faults) -> Annotations:
    """Reads Kinetics' annotations.

    Raises:
        TrainingError: if a file cannot be read, or lacks a column.
        LabelsError: if the names of the classes cannot be read.
    """
    known = None if options.classes is None else dict.fromkeys(read_labels(options.classes))
    videos: dict[str, AnnotatedVideo] = {}
    for line, row in columns_of(path, _NEEDED, faults):
        place = f"line {line}"
        with faults.at(place, row["youtube_id"].strip() or None):
            video = name_of(row["youtube_id"], "a youtube_id")
            label = name_of(row["label"], "a label")
            clip = moment_of(label, row["time_start"], row["time_end"])
            name = f"{video}_{int(clip.start_s):06d}_{int(clip.end_s):06d}"
            with faults.at(place, name):
                if name in videos:
                    raise RowError(f"the clip {name} was there before")
                check_class(label, known)
                split = split_of(row["split"]) if row.get("split", "").strip() else None
                videos[name] = AnnotatedVideo((name, video), (Moment(label),), split)
    told = {moment.label for video in videos.values() for moment in video.moments}
    return Annotations(tuple(known or sorted(told)), tuple(videos.values()))
