"""From what is true of frames to what a network shall answer, and how much each answer counts.

What the classes mean, where one could think otherwise:

- *covered*: something near the lens hides 60 % of the frame or more. A picture that is black is
  *too dark*; whether something black lies before the lens nobody can tell, nor in one of which two
  fifths are black.
- *out of focus*: all of the frame is blurred, whatever it showed before. A photograph with a soft
  background is in focus; where less than a quarter of a picture is sharp, nobody can tell.
- *frozen*: the scene's picture repeats, even where a clock that the device writes over it goes on.
  A still scene is not frozen while a fifth of its pixels change from frame to frame. Where fewer
  do, nobody can tell, and no answer counts; that a codec draws a still picture anew now and
  then is no life.
- *flicker*: brightness swings again and again. One change of light, however sudden, is nothing.
- *too dark*: hardly any part of the picture is bright enough to be read, for whatever reason. Night
  with a few readable parts is not.
- *moved*, *scene cut*: until about a second after the view last changed, or the input was switched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream.demo.health import (
    AFTERMATH_S,
    COVERED,
    FLICKER,
    FROZEN,
    GLARE,
    HIDDEN,
    LABELS,
    MOVED,
    NOISE,
    OUT_OF_FOCUS,
    SCENE_CUT,
    TOO_DARK,
)
from movistream_training.camera_health.filming import Sight, widths_between
from movistream_training.recordings.moments import Moment

Flags = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Border:
    """Between a picture in which nothing is wrong and one in which something is.

    Attributes:
        healthy: up to here nothing is wrong.
        faulty: from here on something is; what lies between is a matter of taste.
    """

    healthy: float
    faulty: float


COVERED_SHARE = Border(0.45, 0.6)
BLUR_WIDTHS = Border(0.008, 0.02)
MOVED_WIDTHS = Border(0.025, 0.05)
FLICKER_DEPTH = Border(0.05, 0.1)
BRIGHTNESS = Border(34.0, 22.0)
READABLE_SHARE = Border(0.1, 0.03)
GLARE_SHARE = Border(0.12, 0.25)
NOISE_DEVIATION = Border(8.0, 15.0)

ONSET_S = {
    COVERED: 0.2,
    OUT_OF_FOCUS: 0.4,
    MOVED: 0.2,
    FROZEN: 0.6,
    FLICKER: 0.8,
    TOO_DARK: 0.2,
    GLARE: 0.2,
    NOISE: 0.1,
    SCENE_CUT: 0.0,
}
"""Nobody can know a fault at once: so long after its begin an answer does not count."""

TAIL_S = {
    COVERED: 0.3,
    OUT_OF_FOCUS: 0.4,
    MOVED: 0.4,
    FROZEN: 0.4,
    FLICKER: 1.0,
    TOO_DARK: 0.3,
    GLARE: 0.3,
    NOISE: 0.2,
    SCENE_CUT: 0.3,
}
"""So long after the end of a fault an answer does not count."""

_FADE_S = {MOVED: 0.4, SCENE_CUT: 0.4}
"""So long before the end of an aftermath an answer does not count: a second is but a convention."""

SHORTEST_S = {OUT_OF_FOCUS: 0.6, FROZEN: 0.4}
"""A lens that looks for its focus, and a frame that comes late, are nothing wrong."""

_LEAST_CONTRAST = 12.0
_LEAST_CONTRAST_TO_NOISE = 2.0
"""Of a picture in which something can be seen: in grey levels, and in those of its noise."""

LEAST_SHARPNESS = 0.12
"""Of a picture that is surely in focus: one that is soft by itself cannot be told from one that is
not."""

_PLAIN_CONTRAST = 15.0
"""A soft picture of less contrast may be that of a cloth before the lens, or of a wall."""

_BLANK_SHARE = 0.4
"""Where more of a picture is black, nobody can tell whether something is before the lens."""

_REMEMBERED = (MOVED, FLICKER, SCENE_CUT)
"""What is told from the last second, in which it may have been hidden."""

_FIRST_S = 0.3
"""Just after a reset, nothing counts."""

_FRESH_S = 0.5
"""So long after a reset, nothing that needs memory counts."""

LEAST_STIR = 0.2
"""The share of pixels that change from frame to frame, in the median of a second, of what is surely
alive."""


def targets_of(sights: Sequence[Sight], frames_per_second: float) -> Flags:
    """What is wrong in each frame, bool (frames, classes).

    Something is wrong from the faulty side of a border on, if it is not over at once. A camera
    counts as moved while its view has changed by more than the border within the last second, and
    the input as switched for a second after the switch.
    """
    flags = _at_once(sights, frames_per_second)
    for label, seconds in SHORTEST_S.items():
        column = flags[:, LABELS.index(label)]
        for begin, end in _runs(column):
            if end < len(column) and end - begin < round(seconds * frames_per_second):
                column[begin:end] = False
    return flags


def _at_once(sights: Sequence[Sight], frames_per_second: float) -> Flags:
    """What is wrong in each frame, however short."""
    flags = np.zeros((len(sights), len(LABELS)), np.bool_)
    for label, values, border in _measures(sights, frames_per_second):
        flags[:, LABELS.index(label)] = values >= border.faulty
    flags[:, LABELS.index(FROZEN)] = [sight.frozen for sight in sights]
    flags[:, LABELS.index(TOO_DARK)] = [
        s.brightness <= BRIGHTNESS.faulty and s.readable <= READABLE_SHARE.faulty for s in sights
    ]
    flags[:, LABELS.index(SCENE_CUT)] = _since_cut(sights) < (AFTERMATH_S * frames_per_second)
    return flags


def weights_of(
    sights: Sequence[Sight],
    targets: Flags,
    frames_per_second: float,
    stirs: npt.NDArray[np.float64],
    least_stir: float = LEAST_STIR,
) -> Weights:
    """How much each answer counts, float32 (frames, classes); 0: nobody could say.

    Args:
        targets: of :func:`targets_of`.
        stirs: the share of pixels that are others than in the frame before, (frames,).
        least_stir: in the median of a second, of what is surely alive.
    """
    counts = np.ones(targets.shape, np.bool_)
    for label, values, border in _measures(sights, frames_per_second):
        between = (values > border.healthy) & (values < border.faulty)
        counts[:, LABELS.index(label)] &= ~between
    dim = np.array([_is_dim(sight) for sight in sights])
    blank = np.array([sight.blank for sight in sights])
    dark = LABELS.index(TOO_DARK)
    counts[:, dark] &= ~dim & (targets[:, dark] | (blank < 1))
    hidden_share = LABELS.index(COVERED)
    counts[:, hidden_share] &= targets[:, hidden_share] | ~(dim | (blank >= _BLANK_SHARE))
    flags = _at_once(sights, frames_per_second)
    window = max(1, round(frames_per_second * AFTERMATH_S))
    for hider, hidden in HIDDEN.items():
        for label in hidden:
            over = window if label in _REMEMBERED else round(ONSET_S[label] * frames_per_second)
            counts[:, LABELS.index(label)] &= ~_lengthened(flags[:, LABELS.index(hider)], over)
    for label in LABELS:
        column = LABELS.index(label)
        counts[:, column] &= ~_edges(flags[:, column], label, frames_per_second)
    flat = np.array([_is_flat(sight) for sight in sights])
    for label in (OUT_OF_FOCUS, MOVED, SCENE_CUT):
        counts[:, LABELS.index(label)] &= ~flat
    counts[:, hidden_share] &= targets[:, hidden_share] | ~flat
    soft = np.array([sight.sharpness < LEAST_SHARPNESS for sight in sights])
    counts[:, LABELS.index(MOVED)] &= ~soft
    focus = LABELS.index(OUT_OF_FOCUS)
    counts[:, focus] &= targets[:, focus] | ~soft
    plain = np.array([sight.contrast < _PLAIN_CONTRAST for sight in sights])
    counts[:, hidden_share] &= targets[:, hidden_share] | ~(soft & plain)
    # A picture in which hardly anything changes may be that of a good camera of which nothing is
    # left after encoding.
    usual = np.array([np.median(stirs[max(0, i - window) : i + 1]) for i in range(len(stirs))])
    alive = usual >= least_stir
    frozen = LABELS.index(FROZEN)
    counts[:, frozen] &= targets[:, frozen] | alive
    counts[: round(_FIRST_S * frames_per_second)] = False
    fresh = round(_FRESH_S * frames_per_second)
    for label in (MOVED, FROZEN, FLICKER):
        counts[:fresh, LABELS.index(label)] = False
    # What stands still shows nothing new: for a while it may still be called what it was.
    for begin, end in _runs(targets[:, frozen]):
        until = min(end, begin + round(1.5 * frames_per_second))
        for label in _REMEMBERED:
            counts[begin:until, LABELS.index(label)] = False
    return counts.astype(np.float32)


def moments_of(
    targets: Flags, frames_per_second: float, shortest_s: float = 0.3
) -> tuple[Moment, ...]:
    """From when to when something is wrong, in the order of the beginnings.

    Args:
        targets: of a whole recording, (frames, classes).
        shortest_s: shorter pauses within a moment are none, and shorter moments too.
    """
    shortest = round(shortest_s * frames_per_second)
    moments = []
    for label, flags in zip(LABELS, targets.T, strict=True):
        merged: list[list[int]] = []
        for begin, end in _runs(flags):
            if merged and begin - merged[-1][1] < shortest:
                merged[-1][1] = end
            else:
                merged.append([begin, end])
        moments += [
            Moment(label, begin / frames_per_second, end / frames_per_second)
            for begin, end in merged
            if end - begin >= shortest
        ]
    return tuple(sorted(moments, key=lambda moment: (moment.start_s, moment.label)))


def _measures(
    sights: Sequence[Sight], frames_per_second: float
) -> Iterator[tuple[str, npt.NDArray[np.float64], Border]]:
    """What grows from healthy to faulty, frame by frame."""
    yield COVERED, np.array([s.covered for s in sights]), COVERED_SHARE
    yield OUT_OF_FOCUS, np.array([s.blur for s in sights]), BLUR_WIDTHS
    yield MOVED, _moved_widths(sights, frames_per_second), MOVED_WIDTHS
    yield FLICKER, np.array([s.flicker for s in sights]), FLICKER_DEPTH
    yield GLARE, np.array([s.glare for s in sights]), GLARE_SHARE
    yield NOISE, np.array([s.noise for s in sights]), NOISE_DEVIATION


def _is_flat(sight: Sight) -> bool:
    """Whether there is too little to be seen for focus and motion."""
    return sight.contrast < max(_LEAST_CONTRAST, _LEAST_CONTRAST_TO_NOISE * sight.noise)


def _is_dim(sight: Sight) -> bool:
    """Whether a picture is neither surely readable nor surely too dark."""
    dark = sight.brightness <= BRIGHTNESS.faulty and sight.readable <= READABLE_SHARE.faulty
    light = sight.brightness >= BRIGHTNESS.healthy or sight.readable >= READABLE_SHARE.healthy
    return not dark and not light


def _moved_widths(sights: Sequence[Sight], frames_per_second: float) -> npt.NDArray[np.float64]:
    """How far the view has moved at most within the last second, in widths."""
    poses = np.array([sight.pose for sight in sights])
    feeds = np.array([sight.feed for sight in sights])
    frozen = np.array([sight.frozen for sight in sights])
    moved = np.zeros(len(sights))
    for back in range(1, round(AFTERMATH_S * frames_per_second) + 1):
        if back >= len(sights):
            break
        widths = widths_between(poses[:-back], poses[back:])
        same = (feeds[back:] == feeds[:-back]) & ~frozen[back:]
        moved[back:] = np.maximum(moved[back:], np.where(same, widths, 0.0))
    return moved


def _since_cut(sights: Sequence[Sight]) -> npt.NDArray[np.float64]:
    """How many frames ago the input was switched; infinite before the first time."""
    since, past = np.full(len(sights), np.inf), np.inf
    for index in range(1, len(sights)):
        past = 0.0 if sights[index].feed != sights[index - 1].feed else past + 1
        since[index] = past
    return since


def _edges(flags: Flags, label: str, frames_per_second: float) -> Flags:
    """Just after begins and ends."""
    near = np.zeros(len(flags), np.bool_)
    for begin, end in _runs(flags):
        near[begin : begin + round(ONSET_S[label] * frames_per_second)] = True
        near[end : end + round(TAIL_S[label] * frames_per_second)] = True
        if end < len(flags):
            near[end - round(_FADE_S.get(label, 0.0) * frames_per_second) : end] = True
    return near


def _runs(flags: Flags) -> Iterator[tuple[int, int]]:
    """Begins and ends of the stretches that are true."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True)


def _lengthened(flags: Flags, frames: int) -> Flags:
    """Also true for so many frames after each that is true."""
    longer: Flags = np.array(flags)
    for shift in range(1, min(frames, len(flags) - 1) + 1):
        longer[shift:] |= flags[:-shift]
    return longer
