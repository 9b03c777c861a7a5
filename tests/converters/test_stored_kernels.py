"""A file is compared with the network that has the file's own kernels, which are rounded ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from movistream_converters import conversion
from movistream_converters.conversion import convert_source
from movistream_converters.errors import UnfaithfulError
from movistream_converters.ir.network import Network
from movistream_converters.ir.passes import fold
from movistream_converters.ir.weights import Weights
from movistream_converters.reference.stored_kernels import with_stored_kernels
from movistream_converters.reference.verification import clip_error, synthetic_frames
from movistream_converters.tflite.precision import Precision
from tests.conftest import small_checkpoint
from tests.converters.clip_networks import small_x3d

WIDE = "block1_layer0.expansion.conv.kernel"
DEPTHWISE = "block1_layer0.feature.conv.kernel"


def _written(path: Path, precision: Precision, *videos: Path) -> tuple[Network, Weights]:
    """Writes the small checkpoint; returns its network and weights, folded."""
    source = small_checkpoint()
    convert_source(source, path, precision=precision, calibration_videos=videos, verified=False)
    return fold(source.network, source.weights)


def test_kernels_of_float16_are_rounded_and_nothing_else(tmp_path: Path) -> None:
    network, weights = _written(tmp_path / "m.tflite", Precision.FLOAT16)
    stored = with_stored_kernels(tmp_path / "m.tflite", network, weights, Precision.FLOAT16)
    assert stored.keys() == weights.keys()
    for name, value in weights.items():
        is_kernel = name.endswith(".kernel")
        expected = value.astype(np.float16).astype(np.float32) if is_kernel else value
        np.testing.assert_array_equal(stored[name], expected, err_msg=name)


def test_kernels_of_dynamic_files_with_many_inputs_are_rounded(tmp_path: Path) -> None:
    network, weights = _written(tmp_path / "m.tflite", Precision.DYNAMIC)
    stored = with_stored_kernels(tmp_path / "m.tflite", network, weights, Precision.DYNAMIC)
    np.testing.assert_array_equal(stored[DEPTHWISE], weights[DEPTHWISE])
    rounded = {name for name, value in weights.items() if not np.array_equal(stored[name], value)}
    assert rounded
    for name in rounded:
        kernel = weights[name]
        others = tuple(range(kernel.ndim - 1))
        scale = np.abs(kernel).max(axis=others) / 127
        np.testing.assert_allclose(stored[name], np.round(kernel / scale) * scale, rtol=1e-5)


def test_kernels_of_int8_files(tmp_path: Path, clip: Path) -> None:
    """In int8, as pairs of pixels too, and in int4."""
    network, weights = _written(tmp_path / "m.tflite", Precision.INT8, clip)
    stored = with_stored_kernels(tmp_path / "m.tflite", network, weights, Precision.INT8)
    steps = {
        name: np.abs(stored[name] - value).max() / np.abs(value).max()
        for name, value in weights.items()
        if name.endswith(".kernel")
    }
    assert 1e-3 < steps["stem.conv.kernel"] < 0.5 / 127 * 1.01
    assert 1e-2 < steps["block1_layer0.se.reduce.kernel"] < 0.5 / 7 * 1.01


@pytest.mark.parametrize(
    ("precision", "share"),
    [(Precision.FLOAT32, 1e-5), (Precision.FLOAT16, 6e-4), (Precision.DYNAMIC, 5e-3)],
)
def test_a_kernel_that_is_not_the_networks(
    precision: Precision, share: float, tmp_path: Path
) -> None:
    """By hardly more than rounding takes."""
    network, weights = _written(tmp_path / "m.tflite", precision)
    name = WIDE if WIDE in weights else next(name for name in weights if name.endswith("kernel"))
    kernel = weights[name].copy()
    kernel[..., 0].reshape(-1)[:] += 2 * share * np.abs(kernel[..., 0]).max()
    with pytest.raises(UnfaithfulError, match=f"{name} is not the network's, rounded to"):
        with_stored_kernels(tmp_path / "m.tflite", network, {**weights, name: kernel}, precision)


def test_kernels_too_small_for_fine_steps_of_float16(tmp_path: Path) -> None:
    """Below 2⁻¹⁴ its numbers lie no closer together."""
    source = small_checkpoint()
    name = "classifier.logits.kernel"
    source.weights[name][..., 0] *= np.float32(1e-6)
    convert_source(source, tmp_path / "m.tflite", precision=Precision.FLOAT16)
    network, weights = fold(source.network, source.weights)
    stored = with_stored_kernels(tmp_path / "m.tflite", network, weights, Precision.FLOAT16)
    lost = np.abs(stored[name] - weights[name])[..., 0].max()
    assert lost > 2e-3 * np.abs(weights[name][..., 0]).max()


def test_two_forms_of_a_network() -> None:
    source = small_x3d()
    frames = synthetic_frames(source.network)
    own = (source.network, source.weights)
    folded, weights = fold(*own)
    assert clip_error(own, (folded, weights), frames) < 1e-5
    bias = next(name for name in weights if name.endswith(".bias"))
    assert clip_error(own, (folded, {**weights, bias: weights[bias] + 0.5}), frames) > 1e-3


@pytest.mark.parametrize("precision", [Precision.FLOAT16, Precision.DYNAMIC])
def test_folding_that_goes_wrong_is_noticed(
    precision: Precision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File and kernels agree with each other then, and not with the network as it was trained."""

    def wrong(network: Network, weights: Weights) -> tuple[Network, Weights]:
        network, weights = fold(network, weights)
        return network, {**weights, "stem.conv.bias": weights["stem.conv.bias"] * np.float32(1.01)}

    monkeypatch.setattr(conversion, "fold", wrong)
    with pytest.raises(UnfaithfulError, match="folded, the network's logits differ"):
        convert_source(small_checkpoint(), tmp_path / "m.tflite", precision=precision)
    assert not list(tmp_path.iterdir())
