"""What a model says to videos of known classes, streamed frame by frame, and how right it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream.sources import VideoFile, VideoFrame
from movistream.stream.model import Model
from movistream_training.examples import Example
from movistream_training.videos import part_of_video

FRAME_COUNTS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100)
"""After how many frames an evaluation asks whether a model is right."""


@dataclass(frozen=True)
class Answer:
    """What was said to one example.

    Attributes:
        truth: index of the example's class.
        logits: after each frame, (frames, classes).
    """

    truth: int
    logits: npt.NDArray[np.float32]

    def ranks(self) -> npt.NDArray[np.intp]:
        """After each frame, how many classes stood before the right one; 0 is right, (frames,)."""
        own = self.logits[:, self.truth, None]
        return np.asarray((self.logits > own).sum(axis=1))


def stream_examples(
    model: Model,
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    shuffle_seed: int | None = None,
    on_example: Callable[[], None] = lambda: None,
) -> list[Answer]:
    """Streams each example from a reset, as the runtime does it.

    Args:
        labels: the model's, in the order of its classes.
        shuffle_seed: plays the frames of each example in a random order: a model that goes by
            motion then knows nothing.

    Raises:
        VideoError: if an example cannot be decoded.
    """
    answers = []
    generator = None if shuffle_seed is None else np.random.default_rng(shuffle_seed)
    with model.stream() as stream:
        for example in examples:
            stream.reset()
            frames = _frames(example, model.manifest.input.frames_per_second)
            if generator is not None:
                kept = list(frames)
                frames = iter([kept[index] for index in generator.permutation(len(kept))])
            logits = [stream.step(frame.shown).logits for frame in frames]
            answers.append(Answer(labels.index(example.label), np.stack(logits)))
            on_example()
    return answers


def _frames(example: Example, rate: float | None) -> Iterator[VideoFrame]:
    with VideoFile(example.path) as video:
        yield from part_of_video(video, example, rate, example.start_s)


def top_accuracy(answers: Sequence[Answer], top: int = 1) -> float:
    """Share of examples whose class is among the first ones after the last frame."""
    return float(np.mean([answer.ranks()[-1] < top for answer in answers]))


def frame_accuracy(answers: Sequence[Answer], warm_up_frames: int = 0) -> float:
    """Share of all frames, after so many of each example, at which the right class stood first.

    Of examples with fewer frames, the last counts.
    """
    hits = [(a.ranks() == 0)[min(warm_up_frames, len(a.logits) - 1) :] for a in answers]
    return float(np.concatenate(hits).mean())


def accuracy_after(answers: Sequence[Answer], frames: int) -> float:
    """Share of examples that are right after so many frames, or at the end of shorter ones."""
    return float(np.mean([a.ranks()[min(frames, len(a.logits)) - 1] == 0 for a in answers]))


def frame_counts(answers: Sequence[Answer]) -> tuple[int, ...]:
    """Those of :data:`FRAME_COUNTS` that the longest example has."""
    longest = max(len(answer.logits) for answer in answers)
    return tuple(count for count in FRAME_COUNTS if count <= longest)


def confusion(answers: Sequence[Answer], classes: int) -> npt.NDArray[np.int64]:
    """How often each class (row) was taken for each class (column) at the end."""
    matrix = np.zeros((classes, classes), np.int64)
    for answer in answers:
        matrix[answer.truth, int(answer.logits[-1].argmax())] += 1
    return matrix
