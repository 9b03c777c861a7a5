"""What is changed in a clip is what was asked for, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from movistream_training.augmentation import (
    Augmentation,
    augment,
    flips_are_safe,
    random_augmentation,
)

NOTHING = Augmentation(
    speed=1.0,
    crop=1.0,
    place=(0.5, 0.5),
    flipped=False,
    brightness=0.0,
    contrast=1.0,
    saturation=1.0,
)
SQUARES = arrays(np.uint8, (6, 6, 3))


def grey(value: int, size: int = 4) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


@given(SQUARES)
def test_no_change_is_none(frame: np.ndarray) -> None:
    assert np.abs(augment(frame, NOTHING, 6).astype(int) - frame).max() <= 1


@given(SQUARES)
def test_a_flip_is_a_mirror(frame: np.ndarray) -> None:
    plain, flipped = (augment(frame, replace(NOTHING, flipped=f), 6) for f in (False, True))
    np.testing.assert_array_equal(flipped, plain[:, ::-1])


@pytest.mark.parametrize(
    ("value", "change", "expected"),
    [
        (100, {"brightness": 20.0}, 120),
        (100, {"brightness": -20.0}, 80),
        (250, {"brightness": 20.0}, 255),
        (10, {"brightness": -20.0}, 0),
        # 28 below the middle become 56 below it; 22 above it, 11 above.
        (100, {"contrast": 2.0}, 72),
        (150, {"contrast": 0.5}, 139),
        (128, {"contrast": 1.25}, 128),
        # First the contrast, then the brightness: 128 + 2 · (100 − 128) + 10.
        (100, {"contrast": 2.0, "brightness": 10.0}, 82),
        # What has no colour stays as it is.
        (100, {"saturation": 0.6}, 100),
        (100, {"saturation": 1.3}, 100),
    ],
)
def test_grey_levels_by_hand(value: int, change: dict[str, float], expected: int) -> None:
    found = augment(grey(value), replace(NOTHING, **change), 4)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found, grey(expected))


@pytest.mark.parametrize(
    ("saturation", "expected"),
    [(0.0, (90, 90, 90)), (0.5, (105, 90, 75)), (1.0, (120, 90, 60)), (2.0, (150, 90, 30))],
)
def test_colours_by_hand(saturation: float, expected: tuple[int, int, int]) -> None:
    """Around their mean, which is 90."""
    frame = np.broadcast_to(np.array([120, 90, 60], np.uint8), (4, 4, 3))
    found = augment(frame, replace(NOTHING, saturation=saturation), 4)
    np.testing.assert_array_equal(found, np.broadcast_to(np.array(expected, np.uint8), (4, 4, 3)))


@pytest.mark.parametrize(
    ("place", "rows", "columns"),
    [
        ((0.0, 0.0), slice(0, 4), slice(0, 4)),
        ((1.0, 0.0), slice(0, 4), slice(8, 12)),
        ((0.0, 1.0), slice(4, 8), slice(0, 4)),
        ((0.5, 0.5), slice(2, 6), slice(4, 8)),
    ],
)
def test_where_a_crop_is_cut_out(place: tuple[float, float], rows: slice, columns: slice) -> None:
    """Half of the shorter side, 8 pixels, is 4."""
    frame = np.random.default_rng(1).integers(0, 256, (8, 12, 3), np.uint8)
    found = augment(frame, replace(NOTHING, crop=0.5, place=place), 4)
    assert np.abs(found.astype(int) - frame[rows, columns]).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (9, 1, 3), (5, 7, 3)])
def test_frames_of_every_shape_become_squares(shape: tuple[int, int, int]) -> None:
    found = augment(np.full(shape, 77, np.uint8), replace(NOTHING, crop=0.1), 8)
    np.testing.assert_array_equal(found, grey(77, 8))


def test_a_crop_is_one_pixel_at_least_and_may_be_one() -> None:
    frame = np.arange(6 * 6 * 3, dtype=np.uint8).reshape(6, 6, 3)
    for place, pixel in (((0.0, 0.0), frame[0, 0]), ((1.0, 1.0), frame[5, 5])):
        found = augment(frame, replace(NOTHING, crop=0.01, place=place), 3)
        np.testing.assert_array_equal(found, np.broadcast_to(pixel, (3, 3, 3)))


def test_changes_are_moderate_and_use_their_range() -> None:
    generator = np.random.default_rng(0)
    drawn = [random_augmentation(generator, flips=True) for _ in range(4000)]
    ranges = {
        "speed": (0.80, 1.25),
        "crop": (0.75, 1.0),
        "brightness": (-25.0, 25.0),
        "contrast": (0.8, 1.25),
        "saturation": (0.6, 1.3),
    }
    for name, (low, high) in ranges.items():
        values = [getattr(one, name) for one in drawn]
        margin = (high - low) / 50
        assert low <= min(values) < low + margin, name
        assert high - margin < max(values) <= high, name
    for axis in (0, 1):
        places = [one.place[axis] for one in drawn]
        assert 0 <= min(places) < 0.02
        assert 0.98 < max(places) <= 1
    assert abs(np.corrcoef([one.place for one in drawn], rowvar=False)[0, 1]) < 0.1
    assert 0.45 < np.mean([one.flipped for one in drawn]) < 0.55
    # As often faster as slower.
    assert 0.45 < np.mean([one.speed > 1 for one in drawn]) < 0.55


def test_nothing_is_flipped_where_flips_would_lie() -> None:
    generator = np.random.default_rng(0)
    assert not any(random_augmentation(generator, flips=False).flipped for _ in range(100))


@given(st.integers(0, 99))
def test_one_seed_is_one_change(seed: int) -> None:
    one, other = (random_augmentation(np.random.default_rng(seed), flips=True) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("labels", "safe"),
    [
        (("wave", "bow"), True),
        (("pan left", "pan right"), False),
        (("wave", "turn clockwise"), False),
        (("Anticlockwise", "wave"), False),
        (("swipe_LEFT", "wave"), False),
        (("moving rightwards", "wave"), False),
        (("leftward drift", "wave"), False),
        # Words that only contain another.
        (("brightness", "cleft", "copyright"), True),
        ((), True),
    ],
)
def test_which_classes_may_be_mirrored(labels: tuple[str, ...], safe: bool) -> None:
    assert flips_are_safe(labels) is safe
