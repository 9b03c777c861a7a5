"""The demo of camera health shows what the training room means by each class, in clear cases."""

from __future__ import annotations

import cv2
import numpy as np

from movistream.demo import health
from movistream.demo.health_clip import camera_way, frames
from movistream.demo.health_effects import covered, dazzled, defocused, flickering
from movistream_training.camera_health import truth
from movistream_training.camera_health.filming import VIEW_SIZE, widths_between

SIZE = 360


def as_seen(frame: np.ndarray) -> np.ndarray:
    return cv2.resize(frame.astype(np.float32), (VIEW_SIZE, VIEW_SIZE))


def rendered(*script: health.Fault) -> np.ndarray:
    """The eleventh frame."""
    *_, last = frames(script, 0.55)
    return as_seen(last)


def test_the_classes_are_the_same() -> None:
    assert health.LABELS == truth.LABELS
    assert health.HIDDEN == truth.HIDDEN
    assert health.AFTERMATH_S == truth.AFTERMATH_S


def test_something_hides_most_of_the_frame() -> None:
    white = np.full((SIZE, SIZE, 3), 255, np.float32)
    for time_s in np.linspace(0, 3, 30):
        hidden = covered(white, 1.0, float(time_s)).mean(axis=2) < 155
        assert hidden.mean() > truth.COVERED_SHARE.faulty + 0.1


def test_the_blur_is_far_beyond_the_border() -> None:
    edge = np.zeros((SIZE, SIZE, 3), np.float32)
    edge[:, SIZE // 2 :] = 255
    spread = np.diff(defocused(edge, 1.0, 0.0)[SIZE // 2, :, 0])
    places = np.arange(len(spread))
    middle = np.average(places, weights=spread)
    width = np.sqrt(np.average((places - middle) ** 2, weights=spread)) / SIZE
    assert width > 1.5 * truth.BLUR_WIDTHS.faulty


def test_flicker_and_glare_are_far_beyond_their_borders() -> None:
    grey = np.full((SIZE, SIZE, 3), 100, np.float32)
    swing = flickering(grey, 1.0, 0.0)
    assert np.ptp(swing) / 200 > 2 * truth.FLICKER_DEPTH.faulty
    healthy = rendered()
    lost = (rendered(health.Fault(health.GLARE, 0.0, 2.0)) - healthy).mean()
    assert lost / (255 - healthy).mean() > 1.5 * truth.GLARE_SHARE.faulty
    assert dazzled(grey, 0.0, 0.0).max() == 100


def test_the_dark_is_dark_and_the_day_bright() -> None:
    for script, dark in (((), False), ((health.Fault(health.TOO_DARK, 0.0, 2.0),), True)):
        grey = rendered(*script).mean(axis=2)
        brightness, readable = grey.mean(), np.mean(grey > 60)
        if dark:
            assert brightness < 0.7 * truth.BRIGHTNESS.faulty
            assert readable < truth.READABLE_SHARE.faulty
        else:
            assert brightness > 2 * truth.BRIGHTNESS.healthy
            assert readable > 2 * truth.READABLE_SHARE.healthy


def test_noise_is_heavy_by_fault_and_light_by_day() -> None:
    heavy = (rendered(health.Fault(health.NOISE, 0.0, 2.0)) - rendered()).std()
    assert heavy > 1.5 * truth.NOISE_DEVIATION.faulty
    *_, before, last = frames((), 0.55)
    assert (as_seen(last) - as_seen(before)).std() < truth.NOISE_DEVIATION.healthy


def test_the_camera_counts_as_moved_when_the_script_says_so() -> None:
    """But for the first and last tenths of a second, in which it hardly moves."""
    path = camera_way(health.SCRIPT, health.SECONDS)
    (moved,) = (fault for fault in health.SCRIPT if fault.label == health.MOVED)
    for time_s in np.arange(1, health.SECONDS, 0.05):
        past = np.arange(time_s - truth.AFTERMATH_S, time_s, 0.05)
        poses = np.stack([path.pose(float(one)) for one in past])
        way = widths_between(poses, path.pose(float(time_s))).max()
        if moved.begin_s + 0.15 < time_s < moved.end_s - 0.15:
            assert way > truth.MOVED_WIDTHS.faulty
        elif not moved.holds(float(time_s)):
            assert way < truth.MOVED_WIDTHS.healthy
