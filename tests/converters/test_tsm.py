"""TSM's online MobileNetV2: widths from the shapes, the shift, the numbers of its own code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import movistream
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.registry import read_source
from movistream_converters.ir.network import image_of, warm_up_frames
from movistream_converters.ir.states import network_states
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.tsm import IMAGE, Block, Table, build_tsm
from movistream_converters.tflite.precision import Precision
from tests.conftest import REFERENCE_DATA
from tests.converters.lossless import write_lossless
from tests.converters.torch_files import ordered, save

GOLDEN = REFERENCE_DATA / "goldens" / "tsm_mobilenetv2_online"
WEIGHTS = GOLDEN / "mobilenetv2_jester_online_layout.pth.tar"
golden = pytest.mark.skipif(not GOLDEN.exists(), reason="no reference data")
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
TABLE = Table(
    stem=8,
    blocks=(
        Block(8, 8, expands=False),
        *(
            Block(2 * before, filters)
            for before, filters in zip(
                (8, 8, 8, 8, 8, 8, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16),
                (8, 8, 8, 8, 8, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 24),
                strict=True,
            )
        ),
    ),
    head=32,
    num_classes=5,
)


def state_dict(table: Table = TABLE, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights in TSM's names and axes, written down here once more by hand."""
    weights = random_weights(build_tsm("tsm", table, 64), seed)
    found: dict[str, np.ndarray] = {}

    def add(node: str, name: str, number: int) -> None:
        kernel = weights[f"{node}.kernel"]
        if kernel.ndim == 4:
            kernel = kernel[:, :, :, None]
        found[f"{name}.{number}.weight"] = kernel[0].transpose(3, 2, 0, 1)
        for theirs, ours in NORM.items():
            found[f"{name}.{number + 1}.{theirs}"] = weights[f"{node}.bn.{ours}"]
        found[f"{name}.{number + 1}.num_batches_tracked"] = np.array(9)

    add("stem", "features.0", 0)
    add("head", "features.18", 0)
    for number, block in enumerate(table.blocks, 1):
        parts = ("expansion", "feature", "projection")[not block.expands :]
        for place, part in enumerate(parts):
            add(f"block{number}.{part}", f"features.{number}.conv", 3 * place)
    found["classifier.weight"] = weights["classifier.kernel"][0, 0].T
    found["classifier.bias"] = weights["classifier.bias"]
    return {name: np.ascontiguousarray(value) for name, value in found.items()}


def write(tensors: dict[str, np.ndarray], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        save(ordered(tensors), path)
    return path


@pytest.mark.parametrize("name", ["m.safetensors", "m.pth.tar", "m.anything"])
@pytest.mark.parametrize("root", ["", "module."])
def test_any_width(name: str, root: str, tmp_path: Path) -> None:
    tensors = {root + key: value for key, value in state_dict().items()}
    source = read_source(write(tensors, tmp_path / name), None, None, {"image_size": 64})
    assert source.format == "tsm"
    expected = random_weights(build_tsm("tsm", TABLE, 64), 0)
    assert source.weights.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(source.weights[key], value, strict=True)
    assert image_of(source.network) == IMAGE
    assert source.network.causal
    assert warm_up_frames(source.network) == 0
    assert source.unused
    assert all(key.endswith("num_batches_tracked") for key in source.unused)
    guessed = {finding.option for finding in source.findings if finding.guessed}
    assert guessed == {"architecture"}


def test_the_states_are_the_shifted_channels_alone() -> None:
    states = network_states(build_tsm("tsm", TABLE, 64))
    assert len(states) == 10
    assert {state.frames for state in states} == {1}
    numbers = [int(state.node.split(".")[0].removeprefix("block")) for state in states]
    assert numbers == [3, 5, 6, 8, 9, 10, 12, 13, 15, 16]
    channels = [TABLE.blocks[number - 1].filters for number in numbers]
    assert [state.shape[2] for state in states] == [count // 8 for count in channels]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"features.7.conv.3.weight": None}, "missing: features.7.conv.3: weight"),
        ({"features.18.0.weight": None}, "no whole MobileNetV2: it has no features.18.0.weight"),
        ({"features.8.conv.6.weight": np.zeros((24, 32, 1, 1), np.float32)}, "block8 would shift"),
        ({"features.4.conv.0.weight": np.zeros((7, 3, 1, 1), np.float32)}, "does not fit"),
        ({"classifier.bias": np.full(5, np.nan, np.float32)}, "NaN or infinite weights, first in"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    change: dict[str, np.ndarray | None], reason: str, tmp_path: Path
) -> None:
    tensors = state_dict() | change
    kept = {name: value for name, value in tensors.items() if value is not None}
    with pytest.raises(ConversionError, match=reason):
        read_source(write(kept, tmp_path / "m.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((None, None, {"num_classes": 6}), "has num classes 5, not 6"),
        ((None, None, {"gating": "sigmoid"}), "a gating has no place"),
        ((None, "x3d-s"), "is tsm-mobilenetv2-online, not x3d-s"),
    ],
)
def test_what_the_command_says_must_fit(
    arguments: tuple[object, ...], reason: str, tmp_path: Path
) -> None:
    path = write(state_dict(), tmp_path / "m.safetensors")
    with pytest.raises(ConversionError, match=reason):
        read_source(path, *arguments)  # type: ignore[arg-type]


def test_an_offline_network_is_refused(tmp_path: Path) -> None:
    tensors = {f"module.base_model.{name}": value for name, value in state_dict().items()}
    with pytest.raises(ConversionError, match="an offline network of TSM's"):
        read_source(write(tensors, tmp_path / "m.pth.tar"))


@golden
def test_the_numbers_of_its_own_code(tmp_path: Path) -> None:
    source = read_source(WEIGHTS)
    convert_source(source, tmp_path / "tsm.tflite")
    told = np.load(GOLDEN / "stream.npz")
    frames, expected = told["frames"], told["logits"]
    with movistream.load(tmp_path / "tsm.tflite") as model, model.stream() as stream:
        for _ in range(2):
            found = np.stack([stream.step(frame).logits for frame in frames[:12]])
            assert np.abs(found - expected[:12]).max() < 1e-4 * np.abs(expected).max()
            stream.reset()


@golden
@pytest.mark.parametrize("precision", [Precision.FLOAT16, Precision.DYNAMIC, Precision.INT8])
def test_the_answers_of_its_own_code_in_smaller_numbers(
    precision: Precision, tmp_path: Path
) -> None:
    """Its weights are random: fifty layers magnify what is rounded in the first of them."""
    told = np.load(GOLDEN / "stream.npz")
    frames, expected = told["frames"], told["logits"]
    clip = write_lossless(frames, tmp_path / "clip.mkv")
    conversion = convert_source(
        read_source(WEIGHTS),
        tmp_path / "tsm.tflite",
        precision=precision,
        calibration_videos=(clip,) if precision is Precision.INT8 else (),
    )
    assert conversion.size_bytes < 5e6
    with movistream.load(tmp_path / "tsm.tflite") as model, model.stream() as stream:
        found = np.stack([stream.step(frame).logits for frame in frames])
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((found * expected).sum(axis=1) / lengths).min() > 0.98
    assert ((found * expected).sum(axis=1) / lengths).mean() > 0.99
