"""How near a step with smaller numbers comes to the float32 step of the same network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream_converters.quantise.stepping import FloatArray, clip_logits, layer_values
from movistream_converters.quantise.videos import Clip
from movistream_converters.tflite.lowering import LayerStep, StepGraph


@dataclass(frozen=True)
class ClipFidelity:
    """One clip, frame by frame, from a reset.

    Attributes:
        name: of the clip.
        cosine: between the logits of both, -1 to 1, (frames,).
        agreement: whether both put the same class first, (frames,).
        divergence: Kullback-Leibler, of the smaller step's scores from the float32 step's, in
            nats, (frames,).
    """

    name: str
    cosine: npt.NDArray[np.float64]
    agreement: npt.NDArray[np.bool_]
    divergence: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fidelity:
    """Some clips together: each frame counts the same."""

    clips: tuple[ClipFidelity, ...]

    @property
    def frames(self) -> int:
        """In all clips."""
        return sum(len(clip.cosine) for clip in self.clips)

    @property
    def mean_cosine(self) -> float:
        """Over all frames."""
        return float(np.concatenate([clip.cosine for clip in self.clips]).mean())

    @property
    def worst_cosine(self) -> float:
        """Of any frame."""
        return float(min(clip.cosine.min() for clip in self.clips))

    @property
    def agreement(self) -> float:
        """Share of frames on which both put the same class first."""
        return float(np.concatenate([clip.agreement for clip in self.clips]).mean())

    @property
    def mean_divergence(self) -> float:
        """In nats, over all frames."""
        return float(np.concatenate([clip.divergence for clip in self.clips]).mean())


def compare_steps(
    reference: Sequence[FloatArray], step: StepGraph, clips: Sequence[Clip]
) -> Fidelity:
    """Judges a step.

    Args:
        reference: logits (frames, classes) of the float32 step on each clip.
        clips: those that are no longer than the step's warm-up are left out, and so is the warm-up
            of others; at least one is longer.
    """
    found = clip_logits(step, clips)
    warm_up = step.warm_up_frames
    return Fidelity(
        tuple(
            _compare(clip.name, *(x[warm_up:].astype(np.float64) for x in (expected, logits)))
            for clip, expected, logits in zip(clips, reference, found, strict=True)
            if len(logits) > warm_up
        )
    )


def layer_signal_to_noise_db(
    reference: LayerStep,
    layers: LayerStep,
    clips: Sequence[Clip],
    on_clip: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Decibels of each node's output over its error, everything before it included, by name."""
    signal = dict.fromkeys(reference.outputs, 0.0)
    noise = dict.fromkeys(reference.outputs, 0.0)
    videos = [clip.frames for clip in clips]
    both = zip(layer_values(reference, videos), layer_values(layers, videos), strict=True)
    for expected_frames, found_frames in both:
        for expected, found in zip(expected_frames, found_frames, strict=True):
            for name, values in expected.items():
                wanted = values.reshape(-1)
                error = found[name].reshape(-1) - wanted
                signal[name] += float(wanted @ wanted)
                noise[name] += float(error @ error)
        on_clip()
    return {name: _decibels(signal[name], noise[name]) for name in signal}


def _decibels(signal: float, noise: float) -> float:
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(max(signal, np.finfo(np.float64).tiny) / noise))


def _compare(
    name: str, expected: npt.NDArray[np.float64], found: npt.NDArray[np.float64]
) -> ClipFidelity:
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    cosine = (expected * found).sum(axis=1) / np.maximum(lengths, np.finfo(np.float64).tiny)
    before, after = _log_softmax(expected), _log_softmax(found)
    return ClipFidelity(
        name,
        cosine,
        expected.argmax(axis=1) == found.argmax(axis=1),
        (np.exp(before) * (before - after)).sum(axis=1),
    )


def _log_softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result
