from __future__ import annotations

import platform
from typing import Any

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


def of_channels(channels: int, height: int = 4, width: int = 6, **changes: object) -> ImageInput:
    return ImageInput(
        tensor="image",
        shape=(1, height, width, channels),
        dtype=changes.pop("dtype", "float32"),  # type: ignore[arg-type]
        color_order="RGB" if channels == 3 else None,
        **changes,
    )


def test_mean_and_std_by_hand() -> None:
    """Pixels 0, 255 and 51 are 0, 1 and 0.2 of [0, 1]."""
    frame = np.array([[[0, 255, 51]]], np.uint8)
    made = of_channels(3, 1, 1, mean=(0.5, 0.4, 0.2), std=(0.25, 0.2, 0.5))
    np.testing.assert_allclose(Preprocessor(made)(frame)[0, 0, 0], [-2, 3, 0], atol=1e-6)
    # Of [-1, 1] they are -1, 1 and -0.6.
    made = of_channels(3, 1, 1, value_range=(-1.0, 1.0), mean=(0.5, 0.5, 0.4))
    np.testing.assert_allclose(Preprocessor(made)(frame)[0, 0, 0], [-1.5, 0.5, -1], atol=1e-6)
    made = of_channels(3, 1, 1, value_range=(0.0, 255.0), std=(2.0, 5.0, 3.0))
    np.testing.assert_allclose(Preprocessor(made)(frame)[0, 0, 0], [0, 51, 17], atol=1e-5)


def test_int8_with_a_scale_by_hand() -> None:
    """-2, 3 and 0 in steps of 0.02 from a zero point of -20: -120, 130, which is too much, -20."""
    frame = np.array([[[0, 255, 51]]], np.uint8)
    made = of_channels(
        3,
        1,
        1,
        dtype="int8",
        mean=(0.5, 0.4, 0.2),
        std=(0.25, 0.2, 0.5),
        scale=0.02,
        zero_point=-20,
    )
    values = Preprocessor(made)(frame)
    assert values.dtype == np.int8
    np.testing.assert_array_equal(values[0, 0, 0], [-120, 127, -20])
    # Without a zero point it is 0; 0.5 and 1.5 are rounded to even.
    made = of_channels(3, 1, 1, dtype="int8", value_range=(0.0, 255.0), scale=2.0)
    found = Preprocessor(made)(np.array([[[1, 3, 255]]], np.uint8))
    np.testing.assert_array_equal(found[0, 0, 0], [0, 2, 127])


def test_int8_that_are_bytes_in_other_words() -> None:
    """[0, 1] in steps of 1/255 from -128 are the bytes that a file without a scale has."""
    made = of_channels(3, 8, 8, dtype="int8", scale=float(np.float32(1 / 255)), zero_point=-128)
    frame = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    np.testing.assert_array_equal(Preprocessor(made)(frame), Preprocessor(int8_image(8, 8))(frame))


def test_grey_by_hand() -> None:
    """0.299 · 100 + 0.587 · 150 + 0.114 · 200 = 140.75, which is not rounded."""
    frame = np.full((4, 6, 3), (100, 150, 200), np.uint8)
    np.testing.assert_allclose(Preprocessor(of_channels(1))(frame) * 255, 140.75, atol=1e-4)
    made = of_channels(1, value_range=(0.0, 255.0), mean=(100.0,), std=(10.0,))
    np.testing.assert_allclose(Preprocessor(made)(frame), 4.075, atol=1e-5)
    made = of_channels(1, dtype="int8", value_range=(-128.0, 127.0))
    np.testing.assert_array_equal(Preprocessor(made)(frame), 141 - 128)
    white = np.full((4, 6, 3), 255, np.uint8)
    np.testing.assert_array_equal(Preprocessor(made)(white), 127)
    np.testing.assert_array_equal(Preprocessor(made)(np.zeros_like(white)), -128)


@pytest.mark.parametrize("size", [(4, 6), (9, 11)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_grey_frames_are_taken_as_they_are(size: tuple[int, int], dtype: str) -> None:
    changes = {"value_range": (-128.0, 127.0)} if dtype == "int8" else {}
    preprocess = Preprocessor(of_channels(1, dtype=dtype, **changes))
    frame = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    flat = preprocess(frame).copy()
    np.testing.assert_array_equal(preprocess(frame[..., None]), flat)
    # Equal red, green and blue are that grey.
    colored = preprocess(np.repeat(frame[..., None], 3, axis=2))
    np.testing.assert_allclose(colored, flat, atol=1e-6 if dtype == "float32" else 1)
    if size == (4, 6):
        expected = frame / 255 if dtype == "float32" else frame.astype(int) - 128
        np.testing.assert_allclose(flat[0, :, :, 0], expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 4, 7])
def test_each_channel_is_sampled_by_itself(channels: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (33, 50, channels), np.uint8)
    found = Preprocessor(of_channels(channels, 16, 12))(frame)
    for channel in range(channels):
        alone = Preprocessor(of_channels(1, 16, 12))(np.ascontiguousarray(frame[..., channel]))
        np.testing.assert_allclose(found[..., channel : channel + 1], alone, atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "shape"),
    [
        (1, (4, 6, 2)),
        (1, (6,)),
        (2, (4, 6, 3)),
        (2, (4, 6)),
        (3, (4, 6)),
        (3, (4, 6, 1)),
        (4, (4, 6, 3)),
    ],
)
def test_frames_of_other_channels(channels: int, shape: tuple[int, ...]) -> None:
    preprocess = Preprocessor(of_channels(channels))
    with pytest.raises(FrameError, match="a frame has shape") as caught:
        preprocess(np.zeros(shape, np.uint8))
    assert str(shape) in str(caught.value)
    assert f"{channels})" in str(caught.value)


def test_bars_are_black_behind_the_normalisation_too() -> None:
    frame = np.full((20, 40, 3), 200, np.uint8)
    made = of_channels(3, 40, 40, mean=(0.5, 0.4, 0.2), std=(0.25, 0.2, 0.5))
    values = Preprocessor(made, View("letterbox"))(frame)[0]
    np.testing.assert_allclose(values[0, 0], [-2, -2, -0.4], atol=1e-6)
    np.testing.assert_allclose(values[20, 20], [1.137255, 1.921569, 1.168627], atol=1e-5)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_what_the_document_says(data: st.DataObject) -> None:
    """(v − mean) / std of the plain sampling, in double precision, whatever is said."""
    numbers = st.floats(-4, 4, width=32)
    channels = data.draw(st.sampled_from([1, 2, 3, 4]))
    size = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    target = data.draw(st.sampled_from([size, (5, 7)]))
    low = data.draw(numbers)
    changes: dict[str, object] = {"value_range": (low, low + data.draw(st.floats(0.1, 300)))}
    mean, std = np.zeros(channels), np.ones(channels)
    if data.draw(st.booleans()):
        mean = np.array(data.draw(st.lists(numbers, min_size=channels, max_size=channels)))
        changes["mean"] = tuple(map(float, mean))
    if data.draw(st.booleans()):
        divisors = st.lists(st.floats(0.05, 20), min_size=channels, max_size=channels)
        std = np.array(data.draw(divisors))
        changes["std"] = tuple(map(float, std))
    colored = channels == 1 and data.draw(st.booleans())
    shape = (*size, 3 if colored else channels)
    seed = data.draw(st.integers(0, 99))
    frame = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    plain = Preprocessor(of_channels(shape[2], *target))(frame).astype(np.float64)
    if colored:
        plain = (plain @ [0.299, 0.587, 0.114])[..., None]
    low, high = changes["value_range"]  # type: ignore[misc]
    expected = (low + plain * (high - low) - mean) / std
    found = Preprocessor(of_channels(channels, *target, **changes))(frame)
    scale = (np.abs([low, high]).max() + np.abs(mean)) / std
    np.testing.assert_array_less(np.abs(found - expected), 2e-6 * scale.max() + 1e-12)

    step = float(np.float32(max(scale.max() / 100, 1e-6)))
    stored = Preprocessor(
        of_channels(channels, *target, dtype="int8", scale=step, zero_point=5, **changes)
    )(frame)
    exact = np.clip(expected / step + 5, -128, 127)
    assert np.abs(stored - exact).max() <= 0.5 + 1e-3


def test_nothing_is_left_of_the_frame_before() -> None:
    """Grey and coloured frames of several sizes in turns."""
    generator = np.random.default_rng(0)
    shapes = [(4, 6), (9, 7, 3), (4, 6, 3), (9, 7, 1), (4, 6, 1), (5, 5, 3)]
    frames = [generator.integers(0, 256, shape, np.uint8) for shape in shapes]
    made = of_channels(1, mean=(0.3,), std=(0.2,))
    preprocess = Preprocessor(made)
    for frame in frames + frames[::-1]:
        np.testing.assert_array_equal(preprocess(frame), Preprocessor(made)(frame))


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


def as_documented(frame: np.ndarray, image: ImageInput) -> np.ndarray:
    """What docs/manifest.md says "to the last bit", line by line."""
    single = np.float32

    def axis(size: int, target: int, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        places = (size - target * scale) / 2 + (np.arange(target) + 0.5) * scale - 0.5
        places = places.clip(0, size - 1)
        first = np.floor(places).astype(int)
        return first, np.minimum(first + 1, size - 1), (places - first).astype(single)

    (low, high), scale, zero = image.value_range, 1.0, 0
    if image.scale is not msgspec.UNSET:
        scale, zero = image.scale, image.zero_point or 0
    elif image.dtype == "int8":
        low, high, zero = 0, 255, -128
    mean = np.zeros(image.channels) if image.mean is msgspec.UNSET else np.array(image.mean)
    std = np.ones(image.channels) if image.std is msgspec.UNSET else np.array(image.std)
    factor = single((high - low) / 255 / scale)
    offset = single((low - mean) / std / scale)
    p = frame.astype(single)
    if frame.shape[:2] == (image.height, image.width):
        s = p * factor
    else:
        step = min(frame.shape[0] / image.height, frame.shape[1] / image.width)
        top, bottom, f = axis(frame.shape[0], image.height, step)
        left, right, g = axis(frame.shape[1], image.width, step)
        f, g = f[:, None, None], g[:, None]
        a = p[top][:, left] * ((1 - f) * factor) + p[bottom][:, left] * (f * factor)
        b = p[top][:, right] * ((1 - f) * factor) + p[bottom][:, right] * (f * factor)
        s = a * (1 - g) + b * g
    if image.channels == 1 and frame.shape[2] == 3:
        red, green, blue = (single(luma / std[0]) for luma in (0.299, 0.587, 0.114))
        s = (s[..., :1] * red + s[..., 1:2] * green) + s[..., 2:] * blue + offset
    else:
        s = s * single(1 / std) + offset
    if image.dtype == "int8":
        s = (np.rint(s) + single(zero)).clip(-128, 127)
    assert s.dtype == single
    return s.astype(image.dtype)[None]


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="numpy may round a product and a sum at once on other CPUs",
)
@settings(max_examples=200, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    target=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    kind=st.sampled_from(["float32", "bytes", "scaled"]),
    channels=st.sampled_from([1, 3, 4]),
    seen=st.sampled_from([1, 3]),
    normalised=st.booleans(),
    seed=st.integers(0, 9),
)
def test_the_document_says_it_to_the_last_bit(
    size: tuple[int, int],
    target: tuple[int, int],
    kind: str,
    channels: int,
    seen: int,
    normalised: bool,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    fields: dict[str, Any] = {"dtype": "float32" if kind == "float32" else "int8"}
    if kind == "bytes":
        fields["value_range"] = (-128.0, 127.0)
    else:
        fields["value_range"] = (-1.0, 1.5)
        if normalised:
            fields["mean"] = tuple(random.uniform(-1, 1, channels).tolist())
            fields["std"] = tuple(random.uniform(0.1, 3, channels).tolist())
    if kind == "scaled":
        fields.update(scale=0.0123, zero_point=-7)
    about = ImageInput(
        tensor="image",
        shape=(1, *target, channels),
        color_order="RGB" if channels == 3 else None,
        **fields,
    )
    frame = random.integers(0, 256, (*size, seen if channels == 1 else channels), np.uint8)
    np.testing.assert_array_equal(Preprocessor(about)(frame), as_documented(frame, about))
