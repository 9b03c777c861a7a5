"""Files of this project as sources: what they compute is what is read from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

import movistream
from movistream.file.graph import map_file, read_model_file
from movistream.file.manifest import METADATA_NAME, Manifest, decode, encode, seal
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.ir.passes import fold
from movistream_converters.networks.movinet import ConvolutionType, SqueezeExciteType
from movistream_converters.reference.verification import relative_error
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision
from tests.conftest import small_checkpoint

VARIANTS: dict[str, dict[str, Any]] = {
    "as released": {},
    "joint kernels": {"convolution_type": ConvolutionType.JOINT},
    "no gate": {"se_type": SqueezeExciteType.NONE, "activation": ActivationFunction.RELU6},
    "another gate": {"gating": ActivationFunction.HARD_SIGMOID_KERAS},
    "position": {"positional_encoding": True, "gating": ActivationFunction.SIGMOID},
}
LIMITS = {
    Precision.FLOAT32: 1e-5,
    Precision.FLOAT16: 2e-3,
    Precision.DYNAMIC: 1e-1,
    Precision.INT8: 1e-1,
}


def logits(path: Path, frames: np.ndarray) -> np.ndarray:
    with movistream.load(path, arithmetic="float32") as model, model.stream() as stream:
        return np.stack([stream.step(frame).logits for frame in frames])


def written(source: Source, path: Path, **options: Any) -> Path:
    return convert_source(source, path, verified=False, **options).path


@pytest.mark.parametrize("layout", StateLayout)
@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_and_options(
    variant: str, layout: StateLayout, small_frames: np.ndarray, tmp_path: Path
) -> None:
    original = small_checkpoint(**VARIANTS[variant])
    first = written(original, tmp_path / "first.tflite", layout=layout)
    source = read_source(first)
    assert options_of(source) == options_of(original)
    assert not any(finding.guessed for finding in source.findings)
    second = written(source, tmp_path / "second.tflite")
    assert relative_error(logits(second, small_frames), logits(first, small_frames)) < 1e-5


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("variant", ["as released", "joint kernels"])
def test_precisions(
    variant: str, precision: Precision, small_frames: np.ndarray, clip: Path, tmp_path: Path
) -> None:
    original = small_checkpoint(**VARIANTS[variant])
    videos = (clip,) if precision is Precision.INT8 else ()
    first = tmp_path / "first.tflite"
    written(original, first, precision=precision, calibration_videos=videos)
    second = written(read_source(first), tmp_path / "second.tflite")
    expected = logits(written(original, tmp_path / "third.tflite"), small_frames)
    assert relative_error(logits(second, small_frames), expected) < LIMITS[precision]


def test_a_file_that_holds_no_network(small_frames: np.ndarray, tmp_path: Path) -> None:
    """As they were before: the options of the manifest say what it is."""
    original = small_checkpoint(horizon_frames=9)
    old = with_manifest(tmp_path / "old.tflite", original)
    source = read_source(old)
    assert (options_of(source), source.network) == (options_of(original), original.network)
    new = written(source, tmp_path / "new.tflite")
    assert relative_error(logits(new, small_frames), logits(old, small_frames)) < 1e-5


def test_labels_stay(model_path: Path, tmp_path: Path) -> None:
    source = read_source(model_path)
    assert source.labels == tuple(f"thing {index}" for index in range(5))
    with movistream.load(written(source, tmp_path / "m.tflite")) as model:
        assert model.manifest.labels == source.labels


def with_manifest(path: Path, source: Source, **changes: Any) -> Path:
    """A file whose manifest, sealed as it should be, says something else of the network."""
    step = lower(*fold(source.network, source.weights), StateLayout.FRAMES)
    with map_file(written(source, path)) as data:
        start, size = read_model_file(data, str(path)).metadata[METADATA_NAME]
        manifest: Manifest = decode(bytes(data[start : start + size]))
    manifest = replace(manifest, network={**manifest.network, **changes})
    path.write_bytes(seal(step.graph.pack(manifest.signature, {METADATA_NAME: encode(manifest)})))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"architecture": "a0"},
            "is not as its manifest describes it: block1_layer1.feature_temporal",
        ),
        ({"architecture": "z9"}, "describes its network wrongly: its architecture 'z9' is unknown"),
        ({"causal": False}, "describes its network wrongly: it is a base model"),
        ({"se_type": "none"}, "is not as its manifest describes it: block0_layer0.se.expand"),
        (
            {"convolution_type": "3d"},
            "is not as its manifest describes it: block1_layer0.feature.conv",
        ),
        ({"positional_encoding": True}, "manifest describes it: block0_layer0.se.position.scaled"),
        ({"num_classes": 7}, "is not as its manifest describes it: classifier.logits"),
        ({"activation": "mish"}, "does not describe its network: Invalid enum value 'mish'"),
        ({"surprise": 1}, r"describes its network with unknown options: \['surprise'\]"),
    ],
)
def test_a_manifest_of_another_network(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = with_manifest(tmp_path / "m.tflite", small_checkpoint("t0"), **changes)
    with pytest.raises(ConversionError, match=message):
        read_source(path)


def test_a_changed_file(model_path: Path, tmp_path: Path) -> None:
    data = bytearray(model_path.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "m.tflite"
    path.write_bytes(data)
    with pytest.raises(ConversionError, match="content has changed since it was converted"):
        read_source(path)
