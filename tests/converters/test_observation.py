"""What is kept of the values that a calibration sees."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from movistream_converters.ir.layers import Convolution, Image, SpatialMean
from movistream_converters.ir.network import Network, Node
from movistream_converters.quantise.observation import Observed, observe


def observed_levels(values: list[int]) -> Observed:
    """What is kept of grey frames by a layer that gives back what it sees, in grey levels."""
    same, mean = Node("same", Convolution(3), ("image",)), Node("mean", SpatialMean(), ("same",))
    logits = Node("logits", Convolution(3), ("mean",))
    network = Network("n", (Node("image", Image(), ()), same, mean, logits), (4, 4), causal=True)
    kernel = 255 * np.eye(3, dtype=np.float32).reshape(1, 1, 1, 3, 3)
    frames = [np.full((4, 4, 3), value, np.uint8) for value in values]
    return observe(network, {"same.kernel": kernel, "logits.kernel": kernel}, [frames])["same"]


def counted(found: Observed) -> tuple[np.ndarray, np.ndarray]:
    """The levels, and how often each was kept."""
    levels, counts = np.unique(np.rint(found.samples), return_counts=True)
    return levels, counts


@pytest.mark.parametrize("count", [1, 3])
def test_short_videos_are_kept_in_equal_parts(count: int) -> None:
    found = observed_levels([50 * (index + 1) for index in range(count)])
    assert (found.low, found.high) == pytest.approx((50, 50 * count))
    levels, counts = counted(found)
    np.testing.assert_array_equal(levels, [50 * (index + 1) for index in range(count)])
    np.testing.assert_array_equal(counts, 256)


def test_every_frame_of_a_long_video_has_the_same_chance() -> None:
    """The levels 0 to 255 rise and fall once: each is seen twice, once in either half.

    65,536 places are shared out to 512 frames: 128 each, 256 for each level, and as many for either
    half of the video; 11 is a standard deviation of a level.
    """
    rising = list(range(256))
    found = observed_levels([*rising, *reversed(rising)])
    assert found.samples.shape == (65_536,)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.low = 1.0  # type: ignore[misc]
    levels, counts = counted(found)
    np.testing.assert_array_equal(levels, rising)
    assert counts.min() >= 190
    assert counts.max() <= 322
    assert (found.low, found.high) == pytest.approx((0, 255))


def test_later_frames_have_the_chance_of_earlier_ones() -> None:
    """A quarter of 1,024 frames each: 16,384 places, give or take 111."""
    found = observed_levels([50] * 256 + [100] * 256 + [150] * 256 + [200] * 256)
    levels, counts = counted(found)
    np.testing.assert_array_equal(levels, [50, 100, 150, 200])
    assert np.abs(counts - 16_384).max() < 600


def test_a_sample_is_drawn_for_any_place_that_there_has_been(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The 65,537th for one of 65,537 places, of which all but the last are kept, and so on."""
    drawn: list[tuple[int, np.ndarray]] = []

    class Recorded:
        def __init__(self, seed: int) -> None:
            self._generator = make(seed)

        def integers(self, low: int, high: np.ndarray | int, size: int | None = None) -> np.ndarray:
            if isinstance(high, np.ndarray):
                drawn.append((low, high))
            found: np.ndarray = self._generator.integers(low, high, size)
            return found

    make = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", Recorded)
    observed_levels([9] * 256)
    assert drawn == []
    observed_levels([9] * 258)
    assert len(drawn) > 2
    for index, (low, high) in enumerate(drawn):
        assert low == 0
        is_first = index < len(drawn) // 2
        np.testing.assert_array_equal(high, np.arange(256) + (65_537 if is_first else 65_793))
