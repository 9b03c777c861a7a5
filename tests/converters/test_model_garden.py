from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden.checkpoint import read
from movistream_converters.formats.model_garden.writer import write_checkpoint
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.recognition import problem_of_options
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.ir.weights import Mismatch, random_weights
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    ConvolutionType,
    SqueezeExciteType,
    build_movinet,
    default_options,
)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_small(
        architecture: str = "n0",
        kind: ConvolutionType = ConvolutionType.SEPARATE_2D,
        edit: Callable[[dict[str, np.ndarray]], None] = lambda weights: None,
        **options: object,
    ) -> Path:
        chosen = replace(
            default_options(architecture), num_classes=3, convolution_type=kind, **options
        )
        network = build_movinet(chosen)
        weights = random_weights(network, 3)
        edit(weights)
        write_checkpoint(network, weights, tmp_path / "ckpt-1", kind)
        return tmp_path

    return write_small


def variables(folder: Path) -> dict[str, np.ndarray]:
    """A checkpoint's variables by their full keys."""
    reader = tf.train.load_checkpoint(str(folder))
    names = [name for name in reader.get_variable_to_shape_map() if "layer_with" in name]
    return {name: reader.get_tensor(name) for name in names}


def save(prefix: Path, stored: dict[str, np.ndarray]) -> None:
    """Writes variables under any keys."""
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(stored),
        shape_and_slices=[""] * len(stored),
        tensors=list(stored.values()),
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_is_recognised(architecture: str, write: Write) -> None:
    assert options_of(read(write(architecture))) == replace(
        default_options(architecture), num_classes=3
    )


@pytest.mark.parametrize("kind", ConvolutionType)
def test_every_storage_gives_the_same_weights(kind: ConvolutionType, write: Write) -> None:
    checkpoint = read(write("n0", kind), "movinet-n0-stream")
    assert options_of(checkpoint).convolution_type is kind
    expected = random_weights(checkpoint.network, 3)
    assert checkpoint.weights.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(checkpoint.weights[name], value, name)


@pytest.mark.parametrize("se_type", SqueezeExciteType)
def test_squeeze_excite_is_recognised(se_type: SqueezeExciteType, write: Write) -> None:
    """Over space or over space and time has the same shapes: the default is said, and an option."""
    folder = write(se_type=se_type)
    found = read(folder, None, {})
    if se_type is SqueezeExciteType.SPACE:
        assert options_of(found).se_type is SqueezeExciteType.SPACE_TIME
        finding = next(f for f in found.findings if f.option == "se_type")
        assert "2d" in finding.source
        found = read(folder, None, {"se_type": se_type})
    assert options_of(found).se_type is se_type


def test_the_ways_to_name_a_checkpoint(write: Write) -> None:
    folder = write()
    names = ("", "checkpoint", "ckpt-1", "ckpt-1.index", "ckpt-1.data-00000-of-00001")
    ways = [folder / name for name in names]
    assert len({options_of(read(way)) for way in ways}) == 1


def test_a_moved_checkpoint_folder_still_reads(write: Write, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(write(), moved)
    (tmp_path / "ckpt-1.index").unlink()
    assert options_of(read(moved)).architecture == "n0"


def test_what_the_shapes_do_not_tell_comes_from_defaults_and_says_so(write: Write) -> None:
    checkpoint = read(write("a1"), None, {"activation": ActivationFunction.RELU6})
    sources = {finding.option: finding.source for finding in checkpoint.findings}
    assert sources["architecture"] == sources["num_classes"] == "the checkpoint"
    assert sources["activation"] == "the command"
    assert sources["head_activation"] == "the default of movinet-a1-stream"
    assert options_of(checkpoint).head_activation is ActivationFunction.HARD_SWISH


def test_optimizer_slots_and_counters_are_ignored(write: Write, tmp_path: Path) -> None:
    folder = write()
    stored = variables(folder)
    first = next(iter(stored))
    slot = f"{first.partition('/.ATTRIBUTES')[0]}/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/V"
    stored[slot] = np.zeros(3, np.float32)
    stored["save_counter/.ATTRIBUTES/VARIABLE_VALUE"] = np.int64(4)
    stored["optimizer/lr"] = np.float32(0.1)
    trained = tmp_path / "trained"
    trained.mkdir()
    save(trained / "ckpt", stored)
    assert options_of(read(trained / "ckpt")) == options_of(read(folder))


def test_the_backbone_may_stand_anywhere(write: Write, tmp_path: Path) -> None:
    """Training programs save it as model/…, backbone/… or deeper."""
    folder = write()
    moved = {n.replace("model/", "trainer/net/"): v for n, v in variables(folder).items()}
    save(tmp_path / "other", moved)
    assert options_of(read(tmp_path / "other")) == options_of(read(folder))


def test_two_networks_in_one_checkpoint(write: Write, tmp_path: Path) -> None:
    student = variables(write())
    teacher = {name.replace("model/", "teacher/"): value for name, value in student.items()}
    save(tmp_path / "both", {**student, **teacher})
    with pytest.raises(ConversionError, match="holds 2 MoViNets") as caught:
        read(tmp_path / "both")
    assert "teacher/layer_with_weights-0/" in str(caught.value)


def test_variables_of_odd_shapes_and_types(write: Write, tmp_path: Path) -> None:
    stored = variables(write())
    kernel = next(n for n in stored if "weights-2/_feature/_conv/_conv/depthwise" in n)
    bias = next(n for n in stored if "_classifier/_conv/_conv/bias" in n)
    gamma = next(n for n in stored if "_stem/_batch_norm/gamma" in n)
    for odd, value in (
        (kernel, np.float32(1)),
        (kernel, np.zeros((3, 3, 0, 1), np.float32)),
        (bias, np.float32(1)),
        (gamma, np.array([b"x"] * 8)),
        (gamma, np.zeros(8, np.complex64)),
    ):
        save(tmp_path / "odd", {**stored, odd: value})
        with pytest.raises(ConversionError):
            read(tmp_path / "odd")


def test_a_missing_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="no checkpoint at"):
        read(tmp_path / "nothing")
    with pytest.raises(ConversionError, match="without a usable 'checkpoint' file"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", bytes(4096)])
def test_an_empty_or_random_checkpoint(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "ckpt.index").write_bytes(content)
    with pytest.raises(ConversionError, match=r"is empty|not a readable checkpoint"):
        read(tmp_path / "ckpt")


def test_damaged_or_missing_data(write: Write) -> None:
    folder = write()
    data = folder / "ckpt-1.data-00000-of-00001"
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConversionError, match=r"damaged|not a readable"):
        read(folder)
    data.unlink()
    with pytest.raises(ConversionError, match=r"damaged|not a readable"):
        read(folder)


def test_a_gating_without_a_gate(write: Write) -> None:
    folder = write(se_type=SqueezeExciteType.NONE)
    with pytest.raises(ConversionError, match="gating has no place"):
        read(folder, None, {"gating": ActivationFunction.SIGMOID})


def test_another_network_entirely(tmp_path: Path) -> None:
    root = tf.train.Checkpoint(weight=tf.Variable([1.0]))
    root.write(str(tmp_path / "ckpt"))
    with pytest.raises(ConversionError, match="holds no MoViNet"):
        read(tmp_path / "ckpt")


def test_the_wrong_architecture_lists_the_differences(write: Write) -> None:
    with pytest.raises(ConversionError, match="does not fit movinet-a0-stream") as caught:
        read(write("t0"), "movinet-a0-stream")
    message = str(caught.value)
    assert "it looks like movinet-t0-stream" in message.splitlines()[0]
    assert "missing: block1_layer1.feature_temporal.conv: kernel" in message
    assert "missing: … in " in message
    kernel = "block0_layer0.expansion.conv.kernel"
    assert f"wrong shape: {kernel}: expected [1, 1, 8, 24], found [1, 1, 8, 16]" in message
    assert len(message.splitlines()) < 40


def test_an_unknown_architecture_or_option(write: Write) -> None:
    folder = write()
    with pytest.raises(ConversionError, match="unknown architecture movinet-b7"):
        read(folder, "movinet-b7")
    with pytest.raises(ConversionError, match="has num classes 3, not"):
        read(folder, None, {"num_classes": 600})
    with pytest.raises(ConversionError, match="has se type 2plus3d, not"):
        read(folder, None, {"se_type": SqueezeExciteType.NONE})


def test_a_base_model_is_refused_with_advice(tmp_path: Path) -> None:
    options = replace(default_options("a0", causal=False), num_classes=3)
    network = build_movinet(options)
    weights = random_weights(network, 1)
    write_checkpoint(network, weights, tmp_path / "base", ConvolutionType.JOINT)
    with pytest.raises(ConversionError, match="looks like movinet-a0-base") as caught:
        read(tmp_path / "base")
    assert "future frames" in str(caught.value)
    assert "--arch movinet-a0-stream" in str(caught.value)
    with pytest.raises(ConversionError, match="is a base model"):
        read(tmp_path / "base", "movinet-a0-base")


def test_a_network_of_no_known_architecture(write: Write) -> None:
    folder = write("t0")
    kept = {
        name: value
        for name, value in variables(folder).items()
        if "weights-14/" not in name and "weights-15/" not in name
    }
    save(folder / "cut", kept)
    with pytest.raises(ConversionError, match="closest to movinet-t0-stream"):
        read(folder / "cut")


def test_weights_that_are_not_numbers(write: Write) -> None:
    def poison(weights: dict[str, np.ndarray]) -> None:
        weights["stem.bn.gamma"][2] = np.nan

    with pytest.raises(ConversionError, match=r"NaN or infinite weights, first in stem\.bn\.gamma"):
        read(write(edit=poison))


def test_a_mismatch_is_described_by_layer() -> None:
    mismatch = Mismatch(
        missing=("a.conv.kernel", "a.bn.beta", "a.bn.mean"),
        unexpected=("7/_extra/kernel",),
        wrong_shape=(("b.conv.kernel", (1, 2), (2, 1)),),
    )
    assert mismatch.describe().splitlines() == [
        "missing: a.conv: kernel",
        "missing: a.bn: beta, mean",
        "unexpected: 7._extra: kernel",
        "wrong shape: b.conv.kernel: expected [1, 2], found [2, 1]",
    ]
    assert not Mismatch((), (), ())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"architecture": "a9"}, "its architecture 'a9' is unknown"),
        ({"causal": False}, "it is a base model, which looks at future frames"),
        ({"image_size": 0}, "its image size 0 is impossible"),
        ({"frames_per_second": 0.0}, "its frame rate 0.0 is impossible"),
        ({"frames_per_second": -5.0}, "its frame rate -5.0 is impossible"),
        ({"frames_per_second": 1000.5}, "its frame rate 1000.5 is impossible"),
        ({"frames_per_second": float("nan")}, "its frame rate nan is impossible"),
        ({"frames_per_second": 1000.0}, None),
        ({"num_classes": 0}, "it has no classes"),
        ({"num_classes": 1}, None),
        ({"horizon_frames": 0}, "its horizon of 0 frames is impossible"),
        ({"horizon_frames": 1}, None),
    ],
)
def test_networks_that_cannot_be(change: dict[str, object], problem: str | None) -> None:
    found = problem_of_options(replace(default_options("a0"), **change))
    if problem is None:
        assert found is None
    else:
        assert (found or "").startswith(problem)


def test_networks_of_too_many_classes() -> None:
    """Each has 2,048 weights and a bias, 8.196 kB: 50,000 of them take 409.8 MB, the rest 15."""
    found = problem_of_options(replace(default_options("a0"), num_classes=50_000))
    text = "with 50000 classes it would have {} MB of weights, more than 268 MB"
    assert found in [text.format(size) for size in range(410, 430)]
    found = problem_of_options(replace(default_options("a0"), num_classes=1_000_000))
    assert found == "classifier.logits cannot be: it has 1000000 as filters"
