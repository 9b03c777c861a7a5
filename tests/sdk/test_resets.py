from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from movistream.errors import MovistreamError
from movistream.sources import VideoFile
from movistream.sources.picking import pick_at_rate
from movistream.watch.resets import ResetOptions, ResetPolicy, SceneCutDetector

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def reasons(options: ResetOptions, times_s: list[float]) -> list[str | None]:
    policy = ResetPolicy(options)
    return [policy.reason(time_s, PICTURE) for time_s in times_s]


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
