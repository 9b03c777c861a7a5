"""The formats of annotations that can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from movistream_training.annotations import (
    activitynet,
    ava,
    charades,
    kinetics,
    moments_in_time,
)
from movistream_training.annotations.matching import Found, find_recordings
from movistream_training.annotations.published import Annotations, Options
from movistream_training.annotations.reading import Faults
from movistream_training.errors import TrainingError


@dataclass(frozen=True)
class Format:
    """A way to write annotations down.

    Attributes:
        what: it is, in a few words.
        read: gives what a file says, and notes what is wrong with its rows.
        one_label: whether each video has one class, from its beginning to its end.
        excludes: whether a second file may say which seconds were not looked at.
    """

    what: str
    read: Callable[[Path, Options, Faults], Annotations]
    one_label: bool = False
    excludes: bool = False


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "activitynet": Format("JSON of ActivityNet's or THUMOS's form", activitynet.read),
        "ava": Format("CSV of AVA's form", ava.read, excludes=True),
        "charades": Format("Charades' CSV", charades.read),
        "kinetics": Format("Kinetics' CSV", kinetics.read, one_label=True),
        "moments-in-time": Format("Moments in Time's CSV", moments_in_time.read, one_label=True),
    }
)


def read_annotations(
    name: str,
    path: Path,
    folder: Path,
    options: Options,
    *,
    split: str | None = None,
    skip_bad: bool = False,
) -> Found:
    """Reads annotations, and looks for the videos that they tell of.

    Args:
        name: of the format, one of :data:`FORMATS`.
        path: of the annotations.
        folder: with the videos, in folders of it too.
        split: takes those that are for it, if the annotations say so; otherwise all are.
        skip_bad: leaves videos out whose rows are bad.

    Raises:
        TrainingError: if a file cannot be read, rows are bad, or all videos are missing.
        LabelsError: if the names of the classes cannot be read.
        VideoError: if the folder holds no video.
    """
    form = FORMATS[name]
    if options.excluded is not None and not form.excludes:
        raise TrainingError(f"{form.what} has no file of excluded seconds")
    faults = Faults(path)
    annotations = form.read(path, options, faults)
    faults.check(skip=skip_bad)
    return find_recordings(annotations, faults, folder, split)
