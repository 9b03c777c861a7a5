"""Recordings that were looked at: their videos can be decoded, and have a length."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from movistream.errors import VideoError
from movistream.sources import VideoFile
from movistream_converters.quantise.videos import Part, part_frames
from movistream_training.recordings.moments import Recording


@dataclass(frozen=True)
class Looked:
    """A recording whose video can be decoded.

    Attributes:
        recording: as the data have it.
        end_s: where it ends, finite.
    """

    recording: Recording
    end_s: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_s - self.recording.start_s


def look_at(
    recordings: Sequence[Recording], on_read: Callable[[int, int], None]
) -> tuple[list[Looked], dict[Recording, str]]:
    """The recordings that can be decoded, and what is wrong with each of the others.

    Args:
        on_read: is told how many have been looked at, and of how many.
    """
    looked, skipped = [], {}
    for number, recording in enumerate(recordings, start=1):
        try:
            looked.append(_looked(recording))
        except VideoError as error:
            skipped[recording] = str(error)
        on_read(number, len(recordings))
    return looked, skipped


def _looked(recording: Recording) -> Looked:
    """A recording whose first frame was decoded.

    Raises:
        VideoError: if there is none, or it does not say how long it is.
    """
    with VideoFile(recording.path) as video:
        part = Part(recording.path, recording.start_s, recording.end_s)
        _ = next(part_frames(video, part, None)).image
        seconds = video.seconds
    end_s = min(recording.end_s, math.inf if seconds is None else seconds)
    if end_s == math.inf:
        raise VideoError(
            f"{recording.path} does not say how long it is: say so by a row without a label, from"
            " start to end"
        )
    return Looked(recording, end_s)
