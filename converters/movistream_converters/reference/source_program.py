"""Compares a stream with the program that its network was read from, run by its own framework.

A reader that misunderstands a program makes a network that a file can be faithful to. So what the
program itself answers to clips, given at once, is held against what the stream has said by then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

import movistream
from movistream.file.manifest import Activation, ProgramComparison
from movistream.system.text import printable
from movistream_converters.errors import NotRunError, UnfaithfulError
from movistream_converters.formats.running import Frames, Piece, answers
from movistream_converters.formats.source import SourceProgram
from movistream_converters.ir.network import Network, receptive_field_frames
from movistream_converters.tflite.precision import ERROR_LIMITS, Precision

LIMIT = ERROR_LIMITS[Precision.FLOAT32].logits
"""Of the largest logit, as between a file and its network."""

_LEAST_FRAMES, _MOST_FRAMES = 24, 96
_BEYOND = 8
_PREFIXES = 4
_LONGEST_REASON = 500

FloatArray: TypeAlias = npt.NDArray[np.float32]
Stream: TypeAlias = Callable[[Frames], FloatArray]
"""Gives the logits after each frame of a clip, (frames, classes), from a reset."""


@dataclass(frozen=True)
class _Answer:
    """An answer of the program, and what the stream says to it.

    Attributes:
        frame: that it is about, the first being 1.
        frames: that the program was given.
    """

    frame: int
    frames: int
    expected: FloatArray
    found: FloatArray

    @property
    def difference(self) -> float:
        """The largest of a class; infinite where either holds what is no number."""
        error = float(np.abs(self.found.astype(np.float64) - self.expected).max())
        return error if math.isfinite(error) else math.inf


def compared_frames(program: SourceProgram, network: Network) -> int:
    """How many frames of a clip it takes: more than kernels reach back, but some tens at most."""
    if program.most_frames == program.least_frames:
        return program.least_frames + program.least_frames // 2
    beyond = receptive_field_frames(network) + network.delay_frames + _BEYOND
    return max(program.least_frames + _BEYOND, min(max(beyond, _LEAST_FRAMES), _MOST_FRAMES))


def compare_program(
    program: SourceProgram, network: Network, clips: Sequence[Frames], stream: Stream
) -> ProgramComparison:
    """Gives a program clips, beginnings of them, and clips that begin later.

    Each is new to the program, and begins with a reset in the stream. Where the network has a
    delay, the stream answers so many frames late, and the program's last answers, which see what is
    behind the clip, have no counterpart.

    Args:
        clips: uint8 (frames, height, width, channels), of :func:`compared_frames`.

    Returns:
        Figures, or why the program was not run.

    Raises:
        UnfaithfulError: if an answer differs by more than :data:`LIMIT`.
        ConversionError: if the program fails.
    """
    pieces = [
        Piece(clip, start, stop)
        for clip, frames in enumerate(clips)
        for start, stop in _bounds(program, len(frames))
    ]
    try:
        if not pieces:
            raise NotRunError(
                f"it takes {program.least_frames} frames or more, and the mean over the clip was"
                f" told to be of {program.most_frames}"
            )
        runner, expected = answers(program, clips, pieces)
        pairs = _pairs(program, network, clips, pieces, expected, stream)
        if not pairs:
            raise NotRunError(
                "it answers the last frame of a clip alone, for which the stream needs frames to"
                " come"
            )
    except NotRunError as error:
        reason = printable(str(error))[:_LONGEST_REASON]
        return ProgramComparison(program.runner, 0, 0.0, reason)
    logits = np.abs(np.concatenate([pair.expected for pair in pairs]))
    largest = float(logits[np.isfinite(logits)].max(initial=0.0)) or 1.0
    for pair in pairs:
        if not pair.difference <= LIMIT * largest:
            raise UnfaithfulError(
                f"the answer to frame {pair.frame} of {pair.frames} differs from that of its source"
                f" program, run by {runner}, by {pair.difference / largest:.1e} of the largest"
                " logit, so the program was misunderstood"
            )
    return ProgramComparison(runner, len(pairs), max(pair.difference for pair in pairs) / largest)


def stream_of_file(path: Path) -> Stream:
    """What a file says to clips, with no horizon."""

    def logits(frames: Frames) -> FloatArray:
        with movistream.load(path, arithmetic="float32", trust="always") as model:
            # Until then, it is as if there were none.
            horizon = None if model.horizon_frames is None else len(frames) + 1
            with model.stream(horizon_frames=horizon) as stream:
                return np.stack([stream.step(frame).logits for frame in frames])

    return logits


def _bounds(program: SourceProgram, count: int) -> list[tuple[int, int]]:
    """Where pieces of a clip of so many frames begin and stop; the longest is the first."""
    least, most = program.least_frames, program.most_frames
    longest = count if most is None else min(count, most)
    steps = range(_PREFIXES, -1, -1)
    lengths = dict.fromkeys(least + (longest - least) * step // _PREFIXES for step in steps)
    begun_later = longest // 2, min(longest // 2 + longest, count)
    bounds = [*((0, length) for length in lengths), begun_later]
    return [(start, stop) for start, stop in bounds if least <= stop - start <= longest]


def _pairs(
    program: SourceProgram,
    network: Network,
    clips: Sequence[Frames],
    pieces: Sequence[Piece],
    expected: Sequence[FloatArray],
    stream: Stream,
) -> list[_Answer]:
    streamed: dict[tuple[int, int], FloatArray] = {}
    for key in dict.fromkeys((piece.clip, piece.start) for piece in pieces):
        stop = max(piece.stop for piece in pieces if (piece.clip, piece.start) == key)
        logits = stream(clips[key[0]][key[1] : stop])
        streamed[key] = _scores(logits, program.scores)
    pairs = []
    for piece, rows in zip(pieces, expected, strict=True):
        found = streamed[piece.clip, piece.start]
        frames = piece.stop - piece.start
        if rows.shape[1] != found.shape[1]:
            raise UnfaithfulError(
                f"its source program gives {rows.shape[1]} logits, and its network {found.shape[1]}"
            )
        first = frames - len(rows)
        for frame, row in enumerate(rows, start=first):
            step = frame + network.delay_frames
            if 0 <= step < frames:
                pairs.append(_Answer(frame + 1, frames, row, found[step]))
    return pairs


def _scores(logits: FloatArray, kind: Activation | None) -> FloatArray:
    """What a program that gives no logits makes of them."""
    if kind is None:
        return logits
    values = logits.astype(np.float64)
    if kind == "sigmoid":
        return (0.5 * (1.0 + np.tanh(0.5 * values))).astype(np.float32)
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    scores: FloatArray = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return scores
