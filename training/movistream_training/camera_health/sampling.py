"""Random clips of cameras with and without faults, as a network is trained on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from movistream.demo.health import (
    COVERED,
    FLICKER,
    LABELS,
    MOVED,
    NOISE,
    OUT_OF_FOCUS,
    SCENE_CUT,
)
from movistream_training.camera_health.codec import coded
from movistream_training.camera_health.faults import (
    Course,
    Fault,
    Move,
)
from movistream_training.camera_health.filming import Camera, Sight, Story, film
from movistream_training.camera_health.overlay import Overlay
from movistream_training.camera_health.random_cameras import (
    random_camera,
    random_codec,
    random_overlay,
    still_path,
    with_everyday_life,
)
from movistream_training.camera_health.random_faults import RANDOM_FAULTS, random_move
from movistream_training.camera_health.truth import (
    targets_of,
    weights_of,
)
from movistream_training.footage.clip import Clip
from movistream_training.footage.collection import Footage
from movistream_training.footage.scene import Picture

FRAMES_PER_SECOND = 10

_HANDS = (2, 1, 1, 0)
"""How many faults each clip of a scene has; the last is healthy."""

CLIPS_PER_SCENE = len(_HANDS)

_DECK = (*LABELS, COVERED, OUT_OF_FOCUS, MOVED, MOVED, FLICKER, SCENE_CUT)
"""What faults are dealt from; those that are hard to learn come more often."""

_FINE_SHARE = 0.3
"""Of the scenes, which are rendered finer than the network sees them, and then sampled as the
runtime does it: between pixels of a frame that was not blurred before."""

_CODED_SHARE = 0.7
"""Of the fine ones; blocks of a codec are smaller than the network's pixels."""

_LEAST_CHANGE = 2
"""Grey levels from which on a pixel is another."""


def random_clips(
    footage: Footage,
    frame_count: int,
    size: int,
    generator: np.random.Generator,
    difficulty: float = 1.0,
) -> list[Clip]:
    """Clips of one scene, with several faults and with none; so the scene tells nothing of them.

    Args:
        difficulty: how likely a clip has what looks like a fault and is none, 0 to 1.
    """
    fine = generator.random() < _FINE_SHARE
    rendered = 2 * int(size * generator.uniform(2, 3.2) / 2) if fine else size
    camera = random_camera(footage, rendered, generator)
    seconds = frame_count / FRAMES_PER_SECOND
    clips = []
    for labels in _dealt(generator):
        story = _random_story(footage, camera, labels, seconds, generator, difficulty)
        if fine and generator.random() < _CODED_SHARE:
            # What heavy noise there is must not be lost again.
            codec = random_codec(generator, 24 if NOISE in labels else 38)
            story = replace(story, codec=codec)
        clips.append(_clip(story, frame_count, size, generator))
    return clips


def _dealt(generator: np.random.Generator) -> list[tuple[str, ...]]:
    """Which faults each clip of a scene has."""
    dealt = iter([_DECK[index] for index in generator.permutation(len(_DECK))])
    # Two of the same in one hand are one.
    return [tuple(sorted({next(dealt) for _ in range(count)})) for count in _HANDS]


def _random_story(
    footage: Footage,
    camera: Camera,
    labels: Sequence[str],
    seconds: float,
    generator: np.random.Generator,
    difficulty: float,
) -> Story:
    hard = generator.random() < difficulty
    faults: list[Fault] = []
    moves: list[Move] = []
    switches: tuple[tuple[float, int], ...] = ()
    cameras: tuple[Camera, ...] = (camera,)
    for label in labels:
        if label == MOVED:
            moves.append(random_move(generator.uniform(0.2, seconds - 0.2), generator))
        elif label == SCENE_CUT:
            cut_s = generator.uniform(0.2, seconds - 0.1)
            back_s = cut_s + generator.uniform(0.3, seconds)
            switches = ((cut_s, 1), (back_s, 0))
            other = random_camera(footage, camera.scene.optics.size, generator)
            path = still_path(seconds, 0.0, generator)
            cameras = (camera, replace(other, path=path))
        else:
            course = _random_course(seconds, generator)
            faults.append(RANDOM_FAULTS[label](course, footage, generator))
    tremble = generator.uniform(0, 0.08) if hard and generator.random() < 0.4 else 0.0
    path = still_path(seconds, tremble, generator, moves)
    watching = replace(camera, path=path, faults=tuple(faults))
    if hard:
        watching = with_everyday_life(watching, footage, 0.0, seconds, generator)
    return Story(
        (watching, *cameras[1:]),
        switches,
        gap_s=generator.uniform(0, 0.3) if generator.random() < 0.2 else 0.0,
        overlay=random_overlay(generator) if generator.random() < 0.35 else None,
    )


def _random_course(seconds: float, generator: np.random.Generator) -> Course:
    """It begins before or in the clip, and ends in it or not, at once or by and by."""
    before = generator.random() < 0.25
    begin_s = -10.0 if before else generator.uniform(0.1, 0.75 * seconds)
    stays = generator.random() < 0.6
    first = max(0.0, begin_s)
    end_s = seconds + 10 if stays else first + generator.uniform(0.7, max(0.8, seconds - first))
    rise_s, fall_s = (
        generator.uniform(0.2, 1.2) if generator.random() < 0.45 else 0.0 for _ in range(2)
    )
    return Course(begin_s, end_s, rise_s, fall_s)


def _clip(story: Story, frame_count: int, size: int, generator: np.random.Generator) -> Clip:
    start_s = generator.uniform(0, 0.1)
    times_s = start_s + np.arange(frame_count) / FRAMES_PER_SECOND
    filmed = list(film(story, times_s.tolist(), generator))
    pictures = [picture for picture, _ in filmed]
    if story.codec is not None:
        pictures = coded(pictures, story.codec, FRAMES_PER_SECOND)
    if len(pictures[0]) != size:
        pictures = [np.asarray(cv2.resize(p, (size, size)), np.uint8) for p in pictures]
    frames = np.stack(pictures)
    return Clip(frames, *answers(frames, [sight for _, sight in filmed], story))


def answers(
    frames: npt.NDArray[np.uint8], sights: Sequence[Sight], story: Story
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Targets and weights of a clip's frames, uint8 (frames, size, size, 3)."""
    following = itertools.pairwise(frames)
    stirs = np.array([1.0, *(stir(*pair, story.overlay) for pair in following)])
    targets = targets_of(sights, FRAMES_PER_SECOND)
    return targets, weights_of(sights, targets, FRAMES_PER_SECOND, stirs)


def stir(before: Picture, after: Picture, overlay: Overlay | None) -> float:
    """The share of pixels that are others than before, beside what the device writes over them."""
    steps = np.abs(after.astype(np.int16) - before.astype(np.int16)).max(axis=2)
    if overlay is not None:
        steps[overlay.box(len(after))] = 0
    return float(np.mean(steps >= _LEAST_CHANGE))
