"""The generator tells the truth: pictures move as their labels say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from movistream.demo.motion import (
    LABELS,
    STATIC,
    Segment,
    Shake,
    camera_path,
)
from movistream_training.camera_motion.sampling import random_clips
from movistream_training.footage.collection import Footage
from movistream_training.footage.textures import dead_leaves
from tests.training.clips import SIZE, render_motion

SPEED = 0.2
MEAN_RADIUS = 0.3826
"""Of a square's points from its middle, in widths: (√2 + arsinh 1) / 6."""
CAMERA = {
    "static": (0, 0, 0, 0),
    "pan left": (-1, 0, 0, 0),
    "pan right": (1, 0, 0, 0),
    "tilt up": (0, -1, 0, 0),
    "tilt down": (0, 1, 0, 0),
    "zoom in": (0, 0, 1, 0),
    "zoom out": (0, 0, -1, 0),
    "roll clockwise": (0, 0, 0, 1),
    "roll counter-clockwise": (0, 0, 0, -1),
}
"""What it does to the right, downwards, closer, and clockwise."""


def observed_motion(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(x, y, logarithm of the zoom, angle) that a camera must have made, by optical flow.

    A camera to the right moves the picture to the left, and so on: all but the zoom change sign.
    """
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
    points = cv2.goodFeaturesToTrack(grey[0], 200, 0.005, 3)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(*grey, points, None)
    kept = found.ravel() == 1
    matrix, _ = cv2.estimateAffinePartial2D(points[kept], moved[kept], ransacReprojThreshold=0.5)
    middle = np.array([(SIZE - 1) / 2, (SIZE - 1) / 2, 1])
    x, y = (matrix @ middle - middle[:2]) / SIZE
    zoom = np.log(np.hypot(matrix[0, 0], matrix[1, 0]))
    angle = np.arctan2(matrix[1, 0], matrix[0, 0])
    return np.array([-x, -y, zoom, -angle])


@pytest.mark.parametrize("label", LABELS)
def test_pictures_move_as_labelled(label: str) -> None:
    frames = render_motion(label, 2, seed=5, speed=SPEED)
    flow = observed_motion(*frames) * (1, 1, MEAN_RADIUS, MEAN_RADIUS)
    expected = np.array(CAMERA[label]) * SPEED / 10
    np.testing.assert_allclose(flow, expected, atol=0.003)


def test_a_path_knows_what_the_camera_does() -> None:
    segments = [Segment(STATIC, 1.0), Segment("pan right", 2.0, 0.5), Segment("zoom in", 1.0, 0.19)]
    path = camera_path(segments, Shake(), np.random.default_rng(0), ease_s=0.05)
    assert [path.label(t) for t in (0.0, 0.99, 1.01, 2.99, 3.01, 4.0)] == [
        STATIC,
        STATIC,
        "pan right",
        "pan right",
        "zoom in",
        "zoom in",
    ]
    assert path.since_change_s(1.5) == pytest.approx(0.5)
    # 0.5 widths per second for 2 s; then 0.19 / 0.38 per second of logarithm for 1 s.
    assert path.pose(4.0) == pytest.approx([1.0, 0.0, 0.5, 0.0], abs=0.03)


def test_a_zoomed_in_camera_pans_by_less_of_the_world() -> None:
    segments = [Segment("zoom in", 2.0, 0.38), Segment("pan right", 1.0, 0.5)]
    path = camera_path(segments, Shake(), np.random.default_rng(0), ease_s=0.02)
    # Zoomed in e² times, half a width of the frame is half a width / e² of the world.
    moved = path.pose(3.0)[0] - path.pose(2.0)[0]
    assert moved == pytest.approx(0.5 / np.e**2, rel=0.03)


def test_shake_moves_around_a_place() -> None:
    path = camera_path(
        [Segment(STATIC, 20.0)], Shake(0.05, (2.0, 3.0, 5.0)), np.random.default_rng(1)
    )
    assert 0.001 < path.poses[:, 0].std() < 0.02
    assert np.abs(path.poses).max() < 0.1


def test_clips_of_one_scene_cover_every_motion_and_repeat_with_the_seed() -> None:
    footage = Footage([dead_leaves(np.random.default_rng(0))])
    first, again = (random_clips(footage, 5, 32, np.random.default_rng(9)) for _ in range(2))
    assert {int(clip.targets[0]) for clip in first} == set(range(len(LABELS)))
    for clip, same in zip(first, again, strict=True):
        assert clip.frames.shape == (5, 32, 32, 3)
        assert clip.weights[0] == 0
        np.testing.assert_array_equal(clip.frames, same.frames)
        np.testing.assert_array_equal(clip.targets, same.targets)


def test_impurities_are_shares_of_other_motions() -> None:
    """Two seconds at half a width each: a whole width to the right, and a fifth of it down."""
    segment = Segment("pan right", 2.0, 0.5, impurity=(0.9, 0.2, 0.0, 0.0))
    path = camera_path([segment], Shake(), np.random.default_rng(0))
    assert path.pose(2.0) == pytest.approx([1.0, 0.2, 0.0, 0.0], abs=0.01)
    still = camera_path([Segment("pan right", 2.0, 0.5)], Shake(), np.random.default_rng(0))
    assert still.pose(2.0) == pytest.approx([1.0, 0.0, 0.0, 0.0], abs=0.01)


def test_shake_is_as_strong_as_it_says() -> None:
    """Each sine has half to all of it, 0.76 in the root mean square; a zoom's share is 0.15."""
    frequencies_hz = (2.0, 3.0, 5.0)
    speeds = []
    for seed in range(20):
        shake = Shake(0.05, frequencies_hz)
        path = camera_path([Segment(STATIC, 10.0)], shake, np.random.default_rng(seed))
        speeds.append(np.diff(path.poses[:, [0, 2]], axis=0).std(axis=0) / np.diff(path.times_s)[0])
    across, zoom = np.sqrt(np.mean(np.square(speeds), axis=0))
    assert across == pytest.approx(0.76 * 0.05, rel=0.1)
    # A zoom's flow is as strong at the mean distance from the middle, 0.3826 widths.
    assert zoom == pytest.approx(0.76 * 0.05 * 0.15 / MEAN_RADIUS, rel=0.1)


def test_a_change_of_speed_takes_a_tenth_of_a_second() -> None:
    """Meanwhile it goes at half the speed on average, so half of a tenth is missing."""
    segments = [Segment(STATIC, 1.0), Segment("pan right", 1.0, 0.5)]
    path = camera_path(segments, Shake(), np.random.default_rng(0))
    assert path.pose(1.0)[0] == pytest.approx(0.0, abs=0.01)
    assert path.pose(1.1)[0] == pytest.approx(0.5 * 0.05, abs=0.01)
    assert path.pose(2.0)[0] == pytest.approx(0.5 * 0.95, abs=0.01)


class Drawn(np.random.Generator):
    """Draws these numbers."""

    def __init__(self, *numbers: float) -> None:
        super().__init__(np.random.PCG64(0))
        self._numbers = iter(numbers)

    def uniform(self, *_: float) -> float:  # type: ignore[override]
        return next(self._numbers)


def test_a_ripple_by_hand() -> None:
    """At 0.5 Hz, a sine from 0 on: faster for a second, slower for another.

    The integral of sin(pi t) over the first second is 2 / pi.
    """
    segment = Segment("pan right", 2.0, 0.5, ripple=0.4)
    path = camera_path([segment], Shake(), Drawn(0.0, 0.5), ease_s=0.0)
    assert path.pose(1.0)[0] == pytest.approx(0.5 * (1 + 0.4 * 2 / np.pi), abs=0.005)
    assert path.pose(2.0)[0] == pytest.approx(1.0, abs=0.005)
