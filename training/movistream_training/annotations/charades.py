"""Charades' CSV: a row per video, with all its actions in one column.

Described in the ``README.txt`` of the data set's annotations
(https://prior.allenai.org/projects/charades): an action is ``c092 11.90 21.20``, its class and from
when to when it goes on; ``;`` stands between actions. ``Charades_v1_classes.txt`` has a class a
line, ``c092 Drinking from a cup``.

Many actions end up to two seconds after their video; an action is over with its video. A few end
before they begin (seven in ``Charades_v1_train.csv``): these are faults, because nobody knows what
was meant. The data set's own scripts never find such an action anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from movistream_training.annotations.classes import numbered_classes
from movistream_training.annotations.published import (
    AnnotatedVideo,
    Annotations,
    Options,
    RowError,
    check_class,
    in_order,
    moment_of,
    name_of,
    shortened,
)
from movistream_training.annotations.reading import Faults, columns_of
from movistream_training.recordings.moments import Moment

_CODE = re.compile(r"c[0-9]{3}", re.ASCII)
_CLASS = re.compile(r"(c[0-9]{3})\s+(\S.*)", re.ASCII)
_PARTS = 3


def read(path: Path, options: Options, faults: Faults) -> Annotations:
    """Reads Charades' annotations.

    Raises:
        TrainingError: if a file cannot be read, or has no column ``id`` or ``actions``.
    """
    names = None if options.classes is None else numbered_classes(options.classes, _CLASS)
    videos: dict[str, AnnotatedVideo] = {}
    for line, row in columns_of(path, ("id", "actions"), faults):
        video = row["id"].strip()
        with faults.at(f"line {line}", video or None):
            name_of(video, "an id")
            if video in videos:
                raise RowError(f"the video {video} was there before")
            # It is known from here on, so that a second row of it is noticed.
            videos[video] = AnnotatedVideo((video,), ())
            moments = _moments(row["actions"], names)
            videos[video] = AnnotatedVideo((video,), in_order(moments))
    told = {moment.label for video in videos.values() for moment in video.moments}
    labels = tuple(sorted(told)) if names is None else tuple(names.values())
    return Annotations(labels, tuple(videos.values()))


def _moments(actions: str, names: Mapping[str, str] | None) -> list[Moment]:
    moments = []
    for action in filter(None, map(str.strip, actions.split(";"))):
        words = action.split()
        if len(words) != _PARTS:
            raise RowError(f"{shortened(action)} is no action such as 'c092 11.90 21.20'")
        code, start, end = words
        if names is None and not _CODE.fullmatch(code):
            raise RowError(f"{shortened(code)} is no class such as 'c092'")
        check_class(code, names)
        moments.append(moment_of(code if names is None else names[code], start, end))
    return moments
