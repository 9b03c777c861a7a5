from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from movistream.errors import MovistreamError
from movistream.sources import VideoFile, VideoFrame
from movistream.sources.picking import pick_at_rate
from movistream.watch.resets import ResetOptions, ResetPolicy, SceneCutDetector

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def reasons(options: ResetOptions, times_s: list[float]) -> list[str | None]:
    policy = ResetPolicy(options)
    return [policy.reason(VideoFrame(0, time_s, lambda: PICTURE)) for time_s in times_s]


def test_a_gap() -> None:
    found = reasons(ResetOptions(gap_s=1.0), [0, 0.5, 1.5, 2.6, 3.0])
    assert found == [None, None, None, "gap", None]


def test_an_interval() -> None:
    found = reasons(ResetOptions(every_s=1.0), [5.0, 5.5, 6.0, 6.5, 7.1, 8.0, 8.1])
    assert found == [None, None, "interval", None, "interval", None, "interval"]


def test_by_default_never() -> None:
    assert reasons(ResetOptions(), [0, 100, 10_000]) == [None] * 3


def cuts(images: list[np.ndarray]) -> list[int]:
    detector = SceneCutDetector()
    return [index for index, image in enumerate(images) if detector.is_cut(image)]


def test_cuts_between_scenes() -> None:
    dark, bright = np.full((48, 64, 3), 40, np.uint8), np.full((48, 64, 3), 200, np.uint8)
    assert cuts([dark] * 3 + [bright] * 3 + [dark]) == [3, 6]


def test_motion_is_no_cut() -> None:
    wide = np.repeat(np.arange(0, 256, dtype=np.uint8)[None, :, None], 48, axis=0).repeat(3, axis=2)
    assert cuts([wide[:, shift : shift + 128] for shift in range(0, 128, 16)]) == []


def test_real_clips(reference: Callable[[str], Path]) -> None:
    images: list[np.ndarray] = []
    joints = []
    for name in ("bottle_detection.mp4", "asl_gestures/please.mkv"):
        with VideoFile(reference(f"clips/{name}")) as video:
            images += [frame.image for frame in pick_at_rate(video, 5)]
        joints.append(len(images))
    assert cuts(images) == joints[:-1]


@pytest.mark.parametrize("options", [{"gap_s": 0.0}, {"every_s": -1.0}, {"every_s": float("inf")}])
def test_bad_options(options: dict[str, float]) -> None:
    with pytest.raises(MovistreamError):
        ResetOptions(**options)  # type: ignore[arg-type]


def changing(percents: list[int]) -> list[np.ndarray]:
    """Pictures of a hundred pixels, of which so many get a colour that was not there before."""
    colours = np.zeros(100, np.int64)
    images = []
    for number, percent in enumerate([0, *percents]):
        colours[:percent] = number
        levels = np.stack([colours // 64, colours // 8 % 8, colours % 8], axis=-1)
        images.append((levels * 32).astype(np.uint8).reshape(10, 10, 3))
    return images


@pytest.mark.parametrize(("percents", "found"), [([50], []), ([51], [1]), ([0, 0, 51], [3])])
def test_more_than_half_has_to_change(percents: list[int], found: list[int]) -> None:
    assert cuts(changing(percents)) == found


@pytest.mark.parametrize(("percent", "found"), [(75, []), (77, [5])])
def test_what_changes_all_the_time_has_to_change_more(percent: int, found: list[int]) -> None:
    """After four times 40 % the usual change is 0.4 × (1 - 0.7⁴) = 30.4 %, 2.5 times it 76 %."""
    assert cuts(changing([40, 40, 40, 40, percent])) == found


@pytest.mark.parametrize("shape", [(64, 64, 3), (48, 640, 3), (480, 48, 3)])
def test_all_of_a_picture_is_looked_at(shape: tuple[int, int, int]) -> None:
    """Where only an edge stays, there is a cut; where only an edge changes, there is none."""
    dark, edged = np.full(shape, 40, np.uint8), np.full(shape, 200, np.uint8)
    edged[:16] = 40
    assert cuts([dark, edged]) == [1]
    top, side = dark.copy(), dark.copy()
    top[:16], side[:, :16] = 200, 200
    assert cuts([dark, top, dark, side, dark]) == []


@pytest.mark.parametrize(("channels", "looked_at"), [(1, 1), (2, 2), (3, 3), (5, 3)])
def test_each_channel_is_looked_at(channels: int, looked_at: int) -> None:
    for channel in range(looked_at):
        detector = SceneCutDetector()
        dark = np.zeros((40, 40, channels), np.uint8)
        changed = dark.copy()
        changed[..., channel] = 255
        assert [detector.is_cut(image) for image in (dark, dark, changed)] == [False, False, True]
