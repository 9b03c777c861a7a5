from __future__ import annotations

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream.errors import FrameError
from movistream.file.manifest import ImageInput
from movistream.stream.preprocess import FITS, Preprocessor, Region, View


def image(height: int = 172, width: int = 172, **changes: object) -> ImageInput:
    return ImageInput(tensor="image", shape=(1, height, width, 3), dtype="float32", **changes)


def test_a_frame_of_the_right_size_is_only_scaled() -> None:
    frame = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    np.testing.assert_allclose(Preprocessor(image(8, 8))(frame)[0], frame / 255, atol=1e-7)


def test_value_range() -> None:
    frame = np.array([[[0, 255, 51]]], np.uint8)
    values = Preprocessor(image(1, 1, value_range=(-1.0, 1.0)))(frame)
    np.testing.assert_allclose(values[0, 0, 0], [-1, 1, -0.6], atol=1e-6)


def int8_image(height: int, width: int) -> ImageInput:
    return msgspec.structs.replace(image(height, width), dtype="int8", value_range=(-128.0, 127.0))


def test_int8_holds_every_byte_exactly() -> None:
    frame = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    frame[7, 7] = 253, 254, 255
    values = Preprocessor(int8_image(8, 8))(frame)
    assert values.dtype == np.int8
    np.testing.assert_array_equal(values[0].astype(int) + 128, frame)


def test_int8_is_rounded_behind_the_resize(frames: np.ndarray) -> None:
    preprocess = Preprocessor(int8_image(50, 40))
    for frame in frames[:2]:
        unrounded = Preprocessor(image(50, 40))(frame) * 255
        stored = preprocess(frame).astype(int) + 128
        assert np.abs(stored - unrounded).max() < 0.501


def test_two_pixels_by_hand() -> None:
    """4 to 2: pixel centres at 0.5 and 2.5, so means of neighbours."""
    row = np.array([0, 10, 20, 40], np.uint8)
    frame = np.repeat(np.tile(row, (4, 1))[..., None], 3, axis=2)
    values = Preprocessor(image(2, 2))(frame)[0, :, :, 0] * 255
    np.testing.assert_allclose(values, [[5, 30], [5, 30]], atol=1e-4)


def test_the_centre_is_cut_out() -> None:
    """A wide frame loses its sides, a tall one its top and bottom."""
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = 200
    assert (Preprocessor(image(4, 4))(wide) * 255).round().min() == 200
    tall = wide.transpose(1, 0, 2)
    assert (Preprocessor(image(4, 4))(np.ascontiguousarray(tall)) * 255).round().min() == 200


@pytest.mark.parametrize("size", [(480, 480), (100, 100), (173, 173), (172, 400), (1080, 1920)])
def test_equals_opencv_on_the_crop(size: tuple[int, int], frames: np.ndarray) -> None:
    """An independent bilinear resize of the centred square, where that square is whole pixels."""
    frame = cv2.resize(frames[3], size[::-1])
    side = min(size)
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    crop = frame[top : top + side, left : left + side].astype(np.float32)
    expected = cv2.resize(crop, (172, 172), interpolation=cv2.INTER_LINEAR)
    found = Preprocessor(image())(frame)[0] * 255
    # At the crop's edge ours may look at the real neighbour outside it.
    np.testing.assert_allclose(found[1:-1, 1:-1], expected[1:-1, 1:-1], atol=0.02)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    target=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    seed=st.integers(0, 9),
)
def test_any_size_stays_in_range(
    height: int, width: int, target: tuple[int, int], seed: int
) -> None:
    frame = np.random.default_rng(seed).integers(40, 216, (height, width, 3), np.uint8)
    values = Preprocessor(image(*target))(frame) * 255
    assert values.shape == (1, *target, 3)
    assert values.min() >= frame.min() - 0.01
    assert values.max() <= frame.max() + 0.01


def test_changing_sizes_and_views(frames: np.ndarray) -> None:
    preprocess = Preprocessor(image(40, 40))
    expected = preprocess(np.ascontiguousarray(frames[0][:, ::-1])).copy()
    preprocess(frames[0][:100, :100])
    np.testing.assert_array_equal(preprocess(frames[0][:, ::-1]), expected)


def test_a_region_is_a_frame_of_its_own() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    region = Region(30, 20, 60, 44)
    for fit in FITS:
        view = View(fit, region)  # type: ignore[arg-type]
        whole = View(fit)  # type: ignore[arg-type]
        found = Preprocessor(image(32, 24), view)(frame)
        cut = np.ascontiguousarray(frame[20:64, 30:90])
        np.testing.assert_allclose(found, Preprocessor(image(32, 24), whole)(cut), atol=1e-6)


def test_a_region_of_the_networks_size() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    found = Preprocessor(image(48, 48), View("crop", Region(9, 0, 48, 48)))(frame)[0]
    np.testing.assert_allclose(found, frame[:, 9:57] / 255, atol=1e-6)


def test_stretching_shows_all() -> None:
    # 2 × 4 pixels to 2 × 2: means of two columns.
    frame = np.repeat(np.array([[0, 100, 20, 60]] * 2, np.uint8)[..., None], 3, axis=2)
    found = Preprocessor(image(2, 2), View("stretch"))(frame)[0, :, :, 0] * 255
    np.testing.assert_allclose(found, [[50, 40], [50, 40]], atol=1e-4)


def test_letterboxing_leaves_black_bars() -> None:
    frame = np.full((20, 40, 3), 200, np.uint8)
    for made in (image(40, 40), int8_image(40, 40)):
        values = Preprocessor(made, View("letterbox"))(frame)[0, :, :, 0].astype(float)
        if made.dtype == "int8":
            values = (values + 128) / 255
        np.testing.assert_allclose(values[10:30], 200 / 255, atol=1e-6)
        np.testing.assert_array_equal(values[:10], 0)
        np.testing.assert_array_equal(values[30:], 0)


def test_a_region_that_is_none() -> None:
    for numbers in ((-1, 0, 5, 5), (0, 0, 0, 5)):
        with pytest.raises(FrameError, match="no rectangle"):
            Region(*numbers)
    with pytest.raises(FrameError, match="not inside a frame of 64x48"):
        Preprocessor(image(), View("crop", Region(60, 0, 5, 5)))(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(FrameError, match="fitted by"):
        View("cover")  # type: ignore[arg-type]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(30, 70), (70, 30), (41, 41), (16, 24)])
def test_rows_and_columns_are_treated_alike(fit: str, size: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    view = View(fit)  # type: ignore[arg-type]
    found = Preprocessor(image(16, 24), view)(frame)[0]
    turned = Preprocessor(image(24, 16), view)(np.ascontiguousarray(frame.transpose(1, 0, 2)))[0]
    np.testing.assert_allclose(turned.transpose(1, 0, 2), found, atol=1e-5)


def test_stretching_by_hand() -> None:
    # 4 × 2 pixels to 2 × 2: means of two rows.
    frame = np.repeat(np.array([[0, 8], [100, 8], [20, 50], [60, 70]], np.uint8)[..., None], 3, 2)
    found = Preprocessor(image(2, 2), View("stretch"))(frame)[0, :, :, 0] * 255
    np.testing.assert_allclose(found, [[50, 8], [40, 60]], atol=1e-4)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float32", "object"])
def test_frames_of_another_type_are_refused(dtype: str) -> None:
    with pytest.raises(FrameError, match=f"a frame is uint8 with values 0 to 255, not {dtype}"):
        Preprocessor(image(8, 8))(np.zeros((8, 8, 3), dtype))
