"""ActivityNet's JSON, which THUMOS and many others have taken over.

``database`` has the videos by their ids, each with its ``subset`` and its ``annotations``, which
are a ``segment`` (from when to when, in seconds) and a ``label`` each; all else is passed over
(http://activity-net.org/download.html). ActivityNet keeps the annotations of its test for itself:
of a subset in which no video has any, nothing is known.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from movistream.file.labels import read_labels
from movistream_training.annotations.published import (
    AnnotatedVideo,
    Annotations,
    Options,
    RowError,
    check_class,
    counted,
    in_order,
    moment_of,
    name_of,
    shortened,
    split_of,
)
from movistream_training.annotations.reading import Faults, text_of
from movistream_training.errors import TrainingError
from movistream_training.recordings.moments import Moment

_PAIR = 2


def read(path: Path, options: Options, faults: Faults) -> Annotations:
    """Reads annotations of ActivityNet's form.

    Raises:
        TrainingError: if a file cannot be read, or has no ``database`` of videos.
        LabelsError: if the names of the classes cannot be read.
    """
    known = None if options.classes is None else dict.fromkeys(read_labels(options.classes))
    database = _database(path)
    videos: list[AnnotatedVideo] = []
    for name, entry in database.items():
        with faults.at(f"the video {shortened(name)}", name):
            name_of(name, "an id")
            videos.append(_video(name, entry, known))
    told = {moment.label for video in videos for moment in video.moments}
    labels = tuple(sorted(told)) if known is None else tuple(known)
    withheld = _withheld(videos)
    kept = tuple(video for video in videos if video.split not in withheld)
    notes = (
        f"left out: {counted(sum(video.split == split for video in videos), 'video')} for {split},"
        " because none of these has annotations, and nothing is known of them"
        for split in sorted(withheld)
    )
    return Annotations(labels, kept, tuple(notes))


def _database(path: Path) -> Mapping[str, Any]:
    text = text_of(path)
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise TrainingError(f"{path} is nested too deep") from None
    except RowError as fault:
        raise TrainingError(f"{path}: {fault}") from None
    except ValueError as error:
        raise TrainingError(f"{path} is not JSON: {error}") from None
    database = document.get("database") if isinstance(document, dict) else None
    if not isinstance(database, dict):
        raise TrainingError(f"{path} has no object 'database' with the videos by their ids")
    return database


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise RowError(f"{shortened(name)} is there twice in one object")
        found[name] = value
    return found


def _video(name: str, entry: object, known: Collection[str] | None) -> AnnotatedVideo:
    if not isinstance(entry, dict):
        raise RowError("it is no object")
    subset = entry.get("subset")
    if subset is not None and not isinstance(subset, str):
        raise RowError("its 'subset' is no text")
    annotations = entry.get("annotations")
    if not isinstance(annotations, list):
        raise RowError("it has no list 'annotations'")
    return AnnotatedVideo(
        (name, f"v_{name}"),
        in_order([_moment(one, known) for one in annotations]),
        None if subset is None else split_of(subset),
    )


def _moment(annotation: object, known: Collection[str] | None) -> Moment:
    if not isinstance(annotation, dict):
        raise RowError("an annotation is no object")
    label, segment = annotation.get("label"), annotation.get("segment")
    if not isinstance(label, str):
        raise RowError("an annotation has no text 'label'")
    if not isinstance(segment, list) or len(segment) != _PAIR:
        raise RowError("an annotation has no 'segment' of two times")
    label = name_of(label, "a label")
    check_class(label, known)
    return moment_of(label, segment[0], segment[1])


def _withheld(videos: list[AnnotatedVideo]) -> set[str]:
    """Splits of which no video has annotations, where others have."""
    told = {video.split for video in videos if video.moments}
    return {video.split for video in videos if video.split and video.split not in told}
