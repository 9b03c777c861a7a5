"""Networks whose running means forget: trained so, they stay so, in clip, file and stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

import movistream
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.network import horizon_of, with_horizon
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.verification import relative_error
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.precision import Precision
from tests.conftest import small_checkpoint

HORIZON = 3


@pytest.fixture(scope="module")
def forgetful() -> Source:
    """A small network of a horizon of three frames."""
    return small_checkpoint(horizon_frames=HORIZON)


def test_means_weigh_new_frames_by_the_horizon(forgetful: Source) -> None:
    """By hand: x1; (x1 + x2) / 2; (x1 + x2 + x3) / 3; from then on 2/3 of the mean, 1/3 new."""
    nodes = forgetful.network.nodes
    space = next(node for node in nodes if node.name == "head.space")
    pool = next(node for node in nodes if node.name == "head.pool")
    space = structs.replace(space, inputs=("image",))
    network = structs.replace(forgetful.network, nodes=(nodes[0], space, pool))
    images = np.full((1, 5, 4, 4, 3), np.array([0, 3, 6, 9, 0]).reshape(1, 5, 1, 1, 1), np.float32)
    means, _ = run_clip(network, {}, images)
    np.testing.assert_allclose(means.numpy()[0, :, 0], [0, 1.5, 3, 5, 10 / 3], rtol=1e-6)


def test_stream_equals_clip(forgetful: Source) -> None:
    network, weights = forgetful.network, forgetful.weights
    clip = np.random.default_rng(1).random((2, 7, 32, 32, 3), np.float32)
    whole, _ = run_clip(network, weights, clip)
    states = None
    for index in range(7):
        logits, states = run_clip(network, weights, clip[:, index : index + 1], states)
        assert relative_error(logits.numpy()[:, 0], whole.numpy()[:, index]) < 1e-5
    forever, _ = run_clip(with_horizon(network, None), weights, clip)
    assert relative_error(forever.numpy()[:, HORIZON], whole.numpy()[:, HORIZON]) > 1e-3


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.DYNAMIC])
def test_a_file_forgets_as_its_network(
    tmp_path: Path, forgetful: Source, small_frames: np.ndarray, precision: Precision
) -> None:
    path = tmp_path / "model.tflite"
    convert_source(forgetful, path, precision=precision)
    images = small_frames[None].astype(np.float32) / 255
    expected, _ = run_clip(forgetful.network, forgetful.weights, images)
    with movistream.load(path) as model, model.stream() as stream:
        assert model.manifest.horizon_frames == HORIZON
        found = [stream.step(frame).logits for frame in small_frames]
    limit = 1e-5 if precision is Precision.FLOAT32 else 0.1
    assert relative_error(np.stack(found), expected.numpy()[0]) < limit


def test_files_keep_it(tmp_path: Path, forgetful: Source) -> None:
    safetensors_file.write(forgetful, tmp_path / "weights.safetensors")
    convert_source(forgetful, tmp_path / "model.tflite")
    for name in ("weights.safetensors", "model.tflite"):
        source = read_source(tmp_path / name, None, None, {})
        assert options_of(source).horizon_frames == horizon_of(source.network) == HORIZON


def test_the_command_may_choose_another(tmp_path: Path, forgetful: Source) -> None:
    path = tmp_path / "model.tflite"
    conversion = convert_source(forgetful, path, horizon_s=2.0)
    assert conversion.manifest.horizon_frames == 2 * options_of(forgetful).frames_per_second


def test_model_garden_files_cannot_have_one(tmp_path: Path, forgetful: Source) -> None:
    with pytest.raises(ConversionError, match="and small was trained with one"):
        convert_source(forgetful, tmp_path / "model.tflite", layout=StateLayout.MODEL_GARDEN)
