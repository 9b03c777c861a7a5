"""What a model says to recordings, streamed frame by frame as it will be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream.sources import DecodeOptions, VideoFile
from movistream.sources.decoding import Quality
from movistream.stream.model import Model
from movistream.stream.result import Result, probabilities_of
from movistream.watch.events import EventDetector, EventRules
from movistream.watch.scores import ScoreOptions, Scorer
from movistream_converters.quantise.videos import Part, part_frames
from movistream_training.measures.events import FoundEvent, Watched
from movistream_training.recordings.moments import Moment, Recording, targets_at


@dataclass(frozen=True, eq=False)
class Streamed:
    """What was said to one recording.

    Attributes:
        recording: with what happens in it.
        times_s: of the frames that answers are about, in seconds of the video, (frames,).
        logits: float32 (frames, classes).
        end_s: where the recording ends, in seconds of the video, finite.
    """

    recording: Recording
    times_s: npt.NDArray[np.float64]
    logits: npt.NDArray[np.float32]
    end_s: float

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """How likely each class is in each frame, (frames, classes)."""
        return probabilities_of(self.logits, "sigmoid")

    def truth(self, labels: Sequence[str]) -> npt.NDArray[np.bool_]:
        """What happens in each frame, (frames, classes)."""
        return targets_at(self.recording.moments, labels, self.times_s)

    def certain(self, labels: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Whether anybody can say so, (frames, classes)."""
        return ~targets_at(self.recording.uncertain, labels, self.times_s)

    def watched(self, events: Sequence[FoundEvent]) -> Watched:
        """The recording with events that were found in it.

        Those that share time with nothing that is certain, and with something that is not, are
        neither right nor wrong: they are left out.
        """
        one = self.recording
        told = [
            event
            for event in events
            if _meets(event, one.moments) or not _meets(event, one.uncertain)
        ]
        return Watched(one.moments, told, self.end_s, one.start_s)


def _meets(event: FoundEvent, moments: Sequence[Moment]) -> bool:
    return any(
        moment.label == event.label
        and moment.start_s < event.end_s
        and moment.end_s > event.start_s
        for moment in moments
    )


def stream_recordings(
    model: Model,
    recordings: Sequence[Recording],
    *,
    shuffle_seed: int | None = None,
    quality: Quality = "exact",
    on_recording: Callable[[], None] = lambda: None,
) -> list[Streamed]:
    """Streams each recording from a reset, as the runtime does it.

    Args:
        shuffle_seed: plays the frames in a random order: a model that needs memory then knows
            nothing.
        quality: how videos are decoded.

    Raises:
        VideoError: if one cannot be decoded.
    """
    return [
        _streamed(model, recording, shuffle_seed, quality, on_recording) for recording in recordings
    ]


def _streamed(
    model: Model,
    recording: Recording,
    shuffle_seed: int | None,
    quality: Quality,
    on_recording: Callable[[], None],
) -> Streamed:
    decode = DecodeOptions(quality, seen_size=model.image_size)
    part = Part(recording.path, recording.start_s, recording.end_s)
    times_s, logits = [], []
    with model.stream() as stream, VideoFile(recording.path, decode=decode) as video:
        seconds = video.seconds
        frames = part_frames(video, part, model.frames_per_second)
        if shuffle_seed is not None:
            kept = list(frames)
            order = np.random.default_rng(shuffle_seed).permutation(len(kept))
            shown = iter(
                [(kept[index].shown, one.time_s) for index, one in zip(order, kept, strict=True)]
            )
        else:
            shown = ((frame.shown, frame.time_s) for frame in frames)
        for image, time_s in shown:
            result = stream.step(image, time_s=time_s)
            assert result.time_s is not None
            times_s.append(result.time_s)
            logits.append(result.logits)
    on_recording()
    last_s = times_s[-1] + _interval_s(times_s)
    end_s = min(recording.end_s, last_s if seconds is None else max(seconds, last_s))
    return Streamed(recording, np.array(times_s), np.stack(logits), end_s)


def _interval_s(times_s: Sequence[float]) -> float:
    return (times_s[-1] - times_s[0]) / (len(times_s) - 1) if len(times_s) > 1 else 0.0


def events_of(
    streamed: Streamed, labels: Sequence[str], rules: EventRules, smoothing_s: float
) -> list[FoundEvent]:
    """The events that the runtime finds in what was said, in the order of their ends."""
    scorer = Scorer(ScoreOptions(smoothing_s=smoothing_s), labels, len(labels), "sigmoid")
    detector = EventDetector(rules, tuple(labels))
    told_s: dict[int, float] = {}
    found = []
    for time_s, logits in zip(streamed.times_s, streamed.logits, strict=True):
        scores = scorer.update(Result(0, float(time_s), logits, 0.0, 0.0, activation="sigmoid"))
        for event in detector.update(float(time_s), scores):
            if event.phase == "begin":
                told_s[event.index] = float(time_s)
            else:
                found.append((event, told_s[event.index]))
    for event in detector.finish():
        if event.phase == "begin":
            told_s[event.index] = float(streamed.times_s[-1])
        else:
            found.append((event, told_s[event.index]))
    return [
        FoundEvent(event.label, event.start_s, event.end_s, told, event.peak_score)
        for event, told in found
    ]
