"""What a model says to videos of known classes, streamed frame by frame, and how right it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream.sources import DecodeOptions, VideoFile, VideoFrame
from movistream.sources.decoding import Quality
from movistream.stream.agreement import cosine
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
    quality: Quality = "exact",
    on_example: Callable[[], None] = lambda: None,
) -> list[Answer]:
    """Streams each example from a reset, as the runtime does it.

    Args:
        labels: the model's, in the order of its classes.
        shuffle_seed: plays the frames of each example in a random order: a model that goes by
            motion then knows nothing.
        quality: how videos are decoded.

    Raises:
        VideoError: if an example cannot be decoded.
    """
    answers = []
    decode = DecodeOptions(quality, seen_size=model.image_size)
    generator = None if shuffle_seed is None else np.random.default_rng(shuffle_seed)
    with model.stream() as stream:
        for example in examples:
            stream.reset()
            frames = _frames(example, model.frames_per_second, decode)
            if generator is not None:
                kept = list(frames)
                frames = iter([kept[index] for index in generator.permutation(len(kept))])
            logits = [stream.step(frame.shown).logits for frame in frames]
            answers.append(Answer(labels.index(example.label), np.stack(logits)))
            on_example()
    return answers


def _frames(example: Example, rate: float | None, decode: DecodeOptions) -> Iterator[VideoFrame]:
    with VideoFile(example.path, decode=decode) as video:
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


def mean_cosine(answers: Sequence[Answer], others: Sequence[Answer]) -> float:
    """Between the logits of two ways to see the same examples, -1 to 1, over all frames.

    Where one way sees fewer frames of an example than the other, the rest is not compared.
    """
    likeness = [
        cosine(one, other)
        for answer, same in zip(answers, others, strict=True)
        for one, other in zip(answer.logits, same.logits, strict=False)
    ]
    return float(np.mean(likeness))


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
