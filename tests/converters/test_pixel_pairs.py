from __future__ import annotations

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream_converters.ir.layers import Convolution
from movistream_converters.tflite.pixel_pairs import (
    PAIR,
    gives_pairs,
    paired_kernel,
    unpaired_kernel,
)


@settings(deadline=None, max_examples=60)
@given(
    size=st.sampled_from((1, 2, 3, 4, 5, 7)),
    stride=st.integers(1, 3),
    pairs=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_pairs_give_the_same_pixels(size: int, stride: int, pairs: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    width, channels, filters = PAIR * stride * pairs, 3, 4
    image = generator.standard_normal((1, 6, width, channels)).astype(np.float32)
    kernel = generator.standard_normal((size, size, channels, filters)).astype(np.float32)

    expected = tf.nn.conv2d(image, kernel, (stride, stride), "SAME")
    grouped = image.reshape(1, 6, pairs, PAIR * stride * channels)
    paired = paired_kernel(kernel, stride, width)
    found = tf.nn.conv2d(grouped, paired, (stride, 1), "SAME")

    assert found.shape == (*expected.shape[:2], pairs, PAIR * filters)
    np.testing.assert_allclose(
        found.numpy().reshape(expected.shape), expected.numpy(), rtol=1e-4, atol=1e-4
    )
    np.testing.assert_array_equal(unpaired_kernel(paired, size, stride, width), kernel)


def test_which_layers_give_pairs() -> None:
    stem = Convolution(8, (1, 3, 3), (2, 2))
    assert gives_pairs(stem, (172, 172, 3))
    assert not gives_pairs(stem, (174, 174, 3)), "half a group would be left over"
    assert not gives_pairs(Convolution(8, depthwise=True), (86, 86, 8))
    assert not gives_pairs(Convolution(8, (3, 1, 1)), (86, 86, 8))
    for other in (
        {"padding": (1, 1, 1, 1)},
        {"dilation": (1, 2, 2)},
        {"groups": 2},
        {"stride": (1, 2)},
    ):
        layer = Convolution(8, (1, 3, 3), **other)  # type: ignore[arg-type]
        assert not gives_pairs(layer, (86, 86, 8))
    assert not gives_pairs(Convolution(80), (86, 86, 8)), "its outputs are enough"
    assert not gives_pairs(Convolution(8), (86, 86, 24)), "its inputs are enough"
